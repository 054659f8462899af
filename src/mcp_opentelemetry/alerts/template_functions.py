"""The functions of templates, as Prometheus has them."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.alerts.go_text import go_digits, go_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PREFIXES: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_BINARY_PREFIXES: Final = tuple(f"{prefix}i" for prefix in _PREFIXES)
_SMALL_PREFIXES: Final = ("m", "u", "n", "p", "f", "a", "z", "y")
_VERB: Final = re.compile(r"%(?:(?P<flags>[-+ #0]*)(?P<width>\d{0,3})(?P<digits>\.\d{0,3})?(?P<verb>[feEgGdsvq])|%)")
_OF_FLOATS: Final = "feEgG"
_GO_TYPES: Final[dict[type, str]] = {str: "string", int: "int", float: "float64"}
_WORD: Final = re.compile(r"[^\W_][\w']*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def number_of(value: object) -> float:
    """Return a value as a number.

    Raises:
        ValueError: it is a text that says none.
    """
    if isinstance(value, str) and ("_" in value or value.strip() != value):
        raise ValueError(f"{value!r} is no number")
    return float(value) if isinstance(value, int | float | str) else math.nan


def _humanize(raw: object) -> str:
    value = number_of(raw)
    if value == 0 or not math.isfinite(value):
        return go_digits(value)
    return _scaled(value, _PREFIXES, 1000) if abs(value) >= 1 else _shrunk(value)


def _humanize1024(raw: object) -> str:
    value = number_of(raw)
    if abs(value) <= 1 or not math.isfinite(value):
        return go_digits(value)
    return _scaled(value, _BINARY_PREFIXES, 1024)


def _scaled(value: float, prefixes: Sequence[str], step: float) -> str:
    prefix = ""
    for larger in prefixes:
        if abs(value) < step:
            break
        prefix, value = larger, value / step
    return f"{go_digits(value)}{prefix}"


def _shrunk(value: float) -> str:
    prefix = ""
    for smaller in _SMALL_PREFIXES:
        if abs(value) >= 1:
            break
        prefix, value = smaller, value * 1000
    return f"{go_digits(value)}{prefix}"


def _humanize_duration(raw: object) -> str:
    value = number_of(raw)
    if not math.isfinite(value):
        return go_digits(value)
    if value == 0:
        return f"{go_digits(value)}s"
    if abs(value) < 1:
        return f"{_shrunk(value)}s"
    sign, whole = "-" if value < 0 else "", int(abs(value))
    days, hours, minutes, seconds = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    return f"{sign}{minutes}m {seconds}s" if minutes else f"{sign}{go_digits(abs(value))}s"


def _humanize_percentage(raw: object) -> str:
    return f"{go_digits(number_of(raw) * 100)}%"


def _humanize_timestamp(raw: object) -> str:
    value = number_of(raw)
    if not math.isfinite(value):
        return go_digits(value)
    nanoseconds = value * 1e9
    if abs(nanoseconds) >= 2**63:
        raise ValueError("no moment that nanoseconds can count")
    moment = _EPOCH + timedelta(milliseconds=int(nanoseconds / 1e6))
    fraction = f".{moment.microsecond // 1000:03d}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def check_printf(format_: str | None, given: int) -> None:
    """Refuse a call of `printf` that cannot be right.

    Args:
        format_: the first operand, if it is a text that is known.
        given: how many operands there are, the format among them.

    Raises:
        ValueError: the format says what is not supported, or the values are too few or too many.
    """
    if format_ is None:
        raise ValueError("template function printf: the format is a text in quotes")
    verbs = [match["verb"] for match in _VERB.finditer(format_)]
    if "%" in _VERB.sub("", format_):
        raise ValueError(f"template function printf: {format_[:40]!r} has a verb that is not supported")
    wanted = sum(verb is not None for verb in verbs)
    if wanted != given - 1:
        raise ValueError(f"template function printf: {format_[:40]!r} takes {wanted} values, not {given - 1}")


def _printf(format_: str, *values: object) -> str:
    remaining = iter(values)

    def write(match: re.Match[str]) -> str:
        return "%" if match["verb"] is None else _written(match, next(remaining))

    return _VERB.sub(write, format_)


def _written(match: re.Match[str], value: object) -> str:
    verb, digits, flags = match["verb"], match["digits"], match["flags"]
    text: Any = go_text(value)
    if verb in _OF_FLOATS and isinstance(value, float):
        if not math.isfinite(value) or (verb in "gG" and digits is None):
            flags = flags.replace("0", "")
            text = text.upper() if verb == "G" and math.isfinite(value) else text
        else:
            return match[0] % value
    elif verb == "d" and isinstance(value, int):
        return match[0] % value
    elif verb in "sq" and isinstance(value, str):
        text = value if digits is None else value[: int(digits[1:] or 0)]
        text = f'"{text}"' if verb == "q" else text
    elif verb != "v":
        return f"%!{verb}({_GO_TYPES.get(type(value), 'unknown')}={text})"
    return f"%{flags}{match['width']}s" % text


def _title(text: object) -> str:
    return _WORD.sub(lambda match: match[0][0].upper() + match[0][1:], str(text))


def _upper(text: object) -> str:
    return str(text).upper()


def _lower(text: object) -> str:
    return str(text).lower()


FUNCTIONS: Final[dict[str, Callable[..., object]]] = {
    "humanize": _humanize,
    "humanize1024": _humanize1024,
    "humanizeDuration": _humanize_duration,
    "humanizePercentage": _humanize_percentage,
    "humanizeTimestamp": _humanize_timestamp,
    "printf": _printf,
    "title": _title,
    "toLower": _lower,
    "toUpper": _upper,
}
