"""Functions that make labels of labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.promql.model import EvaluationError, Labels, Unsupported, Vector, labels_of, vector_of
from mcp_opentelemetry.alerts.promql.regex import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST_VALUE: Final = 65_536  # characters: labels that are made of themselves again and again double each time
_REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|(?P<name>\w+)|\{(?P<braced>\w+)\})")


def label_replace(vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """Return the elements with a label set from another where a regular expression matches all of that one."""
    expression = compiled(pattern)

    def replaced(labels: dict[str, str]) -> dict[str, str]:
        match = expression.fullmatch(labels.get(source, ""))
        return labels if match is None else {**labels, target: expand(replacement, match)}

    return _with_labels(vector, target, replaced)


def label_join(vector: Vector, target: str, separator: str, *sources: str) -> Vector:
    """Return the elements with a label set to others, joined."""

    def joined(labels: dict[str, str]) -> dict[str, str]:
        return {**labels, target: separator.join(labels.get(source, "") for source in sources)}

    return _with_labels(vector, target, joined)


def expand(replacement: str, match: re.Match[str]) -> str:
    """Return a replacement text with `$1` and `${name}` filled in as Go does it; what was not matched is empty."""

    def fill(reference: re.Match[str]) -> str:
        if reference["dollar"]:
            return "$"
        name = reference["name"] or reference["braced"]
        if name.isdecimal() and str(int(name)) == name:
            return (match[int(name)] or "") if int(name) <= match.re.groups else ""
        return match.groupdict().get(name) or ""

    return _REFERENCE.sub(fill, replacement)


def _with_labels(vector: Vector, target: str, change: Callable[[dict[str, str]], dict[str, str]]) -> Vector:
    def changed() -> Iterator[tuple[Labels, float]]:
        for labels, value in vector.items():
            new = change(dict(labels))
            if len(new.get(target, "")) > _LONGEST_VALUE:
                raise EvaluationError(f"the label {target} becomes longer than {_LONGEST_VALUE} characters")
            yield labels_of(new), value

    return vector_of(changed())


def _check_replace(target: str, _: str, __: str, pattern: str) -> None:
    _check_label(target)
    try:
        compiled(pattern)
    except ValueError as error:
        raise Unsupported(str(error)) from error


def _check_join(target: str, _: str, *sources: str) -> None:
    for label in (target, *sources):
        _check_label(label)


def _check_label(name: str) -> None:
    if not name:
        raise ValueError("a label has a name")


CHECKS: Final[dict[str, Callable[..., None]]] = {"label_join": _check_join, "label_replace": _check_replace}
"""What can be wrong with the texts that the functions are given, found before they are called."""
