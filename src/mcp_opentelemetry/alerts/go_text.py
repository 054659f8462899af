"""Numbers as Go writes them: in templates, and in the labels that count values."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

_FIRST_POWERS: Final = range(-4, 6)
"""Powers of ten that Go writes without an exponent."""


def go_text(value: object) -> str:
    """Return a value as Go prints it."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return _unusual(value)
    power = Decimal(repr(value)).adjusted()
    if power in _FIRST_POWERS or not value:
        return go_number(value)
    mantissa = format(Decimal(repr(value)).scaleb(-power).normalize(), "f")
    return f"{mantissa}e{power:+03d}"


def go_number(value: float) -> str:
    """Return a number with the fewest digits that mean it, and without an exponent."""
    if not math.isfinite(value):
        return _unusual(value)
    text = format(Decimal(repr(value)), "f")  # the fewest digits, in Python as in Go
    return text.removesuffix(".0")


def go_digits(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits at most, as Go's `%.4g`."""
    return f"{value:.{digits}g}" if math.isfinite(value) else _unusual(value)


def _unusual(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"
