"""Templates of labels and annotations: the part of Prometheus' (Go's) that alerts use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.go_text import go_text
from mcp_opentelemetry.alerts.template_functions import FUNCTIONS, check_printf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ACTION: Final = re.compile(r'\{\{(?P<trim>-\s)?(?P<action>(?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`])*?)(?P<after>\s-)?\}\}')
_COMMENT: Final = re.compile(r"/\*.*\*/", re.DOTALL)
_TOKEN: Final = re.compile(r"""\s*(\||"(?:[^"\\\n]|\\.)*"|`[^`]*`|[$.][\w.$]*|-?\d+(?:\.\d+)?(?![\w.])|[a-zA-Z]\w*)""")
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)")
_ESCAPES: Final = {**dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)), "\\": "\\", '"': '"'}
_VALUES: Final = ("$value", ".Value")
_LABELS: Final = ("$labels", ".Labels")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a template may speak of.

    Args:
        labels: of the series that the alert is about, its name among them if it has kept one.
        value: of it.
    """

    labels: Mapping[str, str]
    value: float


class Template:
    """A compiled template.

    Args:
        text: as it was written.

    Raises:
        ValueError: it uses what is not supported.
    """

    __slots__ = ("_parts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = list(_parts(text))

    @classmethod
    def literal(cls, text: str) -> Template:
        """Return a template that says just this."""
        template = cls("")
        template.text, template._parts = text, [text]
        return template

    def expand(self, facts: Facts) -> str:
        """Return the text; what fails says so in its place, so that no alert is lost for it."""
        try:
            return "".join(part if isinstance(part, str) else go_text(part(facts)) for part in self._parts)
        except Exception as error:  # noqa: BLE001 (as Prometheus does)
            return f"<error expanding template: {type(error).__name__}: {error}>"


def _parts(text: str) -> Iterator[str | Callable[[Facts], object]]:
    end, is_trimmed = 0, False
    while True:
        start = text.find("{{", end)
        between = text[end:] if start < 0 else text[end:start]
        between = between.lstrip() if is_trimmed else between
        if start < 0:
            yield between
            return
        match = _ACTION.match(text, start)
        if match is None:
            raise ValueError(f"template {text[:100]!r}: {{{{ without }}}}")
        yield between.rstrip() if match["trim"] else between
        action = match["action"].strip()
        if not _COMMENT.fullmatch(action):
            yield _pipeline(action)
        end, is_trimmed = match.end(), match["after"] is not None


def _pipeline(action: str) -> Callable[[Facts], object]:
    compiled = [_command(words, is_first=place == 0) for place, words in enumerate(_stages(action))]

    def evaluate(facts: Facts) -> object:
        value: object = None
        for place, stage in enumerate(compiled):
            value = stage(facts, () if place == 0 else (value,))
        return value

    return evaluate


def _stages(action: str) -> list[list[str]]:
    stages, end = [list[str]()], 0
    while end < len(action):
        token = _TOKEN.match(action, end)
        if token is None:
            raise ValueError(f"template {{{{ {action[:100]} }}}}: {action[end:].strip()[:40]!r} is not supported")
        end = token.end()
        if token[1] == "|":
            stages.append([])
        else:
            stages[-1].append(token[1])
    return stages


def _command(words: list[str], *, is_first: bool) -> Callable[[Facts, tuple[object, ...]], object]:
    if not words:
        raise ValueError("template: an empty action")
    if words[0] in FUNCTIONS:
        function, operands = FUNCTIONS[words[0]], [_operand(word) for word in words[1:]]
        given = len(operands) + (not is_first)
        if words[0] == "printf":
            check_printf(_text(words[1]) if len(words) > 1 and words[1][0] in '"`' else None, given)
        elif given != 1:
            raise ValueError(f"template function {words[0]} takes one value, not {given}")
        return lambda facts, piped: function(*(operand(facts) for operand in operands), *piped)
    if len(words) > 1 or not is_first:
        raise ValueError(f"template function {words[0]!r} is not supported; allowed: {', '.join(sorted(FUNCTIONS))}")
    operand = _operand(words[0])
    return lambda facts, _: operand(facts)


def _operand(word: str) -> Callable[[Facts], object]:
    if word in _VALUES:
        return lambda facts: facts.value
    if word in _LABELS:
        return lambda facts: "map[" + " ".join(f"{key}:{value}" for key, value in sorted(facts.labels.items())) + "]"
    prefix, _, name = word.rpartition(".")
    if prefix in _LABELS and name.isidentifier():
        return lambda facts: facts.labels.get(name, "")
    if word[0] in '"`':
        text = _text(word)
        return lambda _: text
    if re.fullmatch(r"-?\d+(?:\.\d+)?", word):
        number = float(word) if "." in word else int(word[:30])
        return lambda _: number
    raise ValueError(f"template: {word[:40]!r} is not supported; allowed: $value, $labels.NAME and functions of them")


def _text(word: str) -> str:
    return word[1:-1] if word[0] == "`" else _ESCAPE.sub(_unescaped, word[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code in _ESCAPES:
        return _ESCAPES[code]
    if len(code) == 1:
        raise ValueError(f"template: \\{code} means nothing in a text")
    number = int(code, 8) if len(code) == 3 and code[0] != "x" else int(code[1:], 16)  # noqa: PLR2004 (octal has three digits)
    if number > 0x10FFFF or 0xD800 <= number < 0xE000:  # noqa: PLR2004 (no character)
        raise ValueError(f"template: \\{code} is no character")
    return chr(number)
