"""Functions of numbers and of vectors, at one moment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.promql.arithmetic import divide
from mcp_opentelemetry.alerts.promql.model import Vector, nameless, vector_of

if TYPE_CHECKING:
    from collections.abc import Callable


def _or_nan(function: Callable[[float], float]) -> Callable[[float], float]:
    def call(value: float) -> float:
        try:
            return float(function(value))
        except (ValueError, OverflowError):
            return math.nan

    return call


def _log(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: -math.inf if value == 0 else _or_nan(function)(value)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _whole(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: float(function(value)) if math.isfinite(value) else value


def _sign(value: float) -> float:
    return value if math.isnan(value) or value == 0 else math.copysign(1.0, value)


OF_VALUES: Final[dict[str, Callable[[float], float]]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "exp": _exp,
    "ln": _log(math.log),
    "log2": _log(math.log2),
    "log10": _log(math.log10),
    "sgn": _sign,
    "sqrt": _or_nan(math.sqrt),
}
"""Functions of one number, applied to each element."""


def of_each(function: Callable[[float], float], vector: Vector) -> Vector:
    """Return a function of each element."""
    return vector_of((nameless(labels), function(value)) for labels, value in vector.items())


def _greater(one: float, other: float) -> float:
    """Return the greater of two, as Go does: infinity, or else what is not a number, wins."""
    if math.inf in (one, other):
        return math.inf
    return math.nan if math.isnan(one) or math.isnan(other) else max(one, other)


def clamp(vector: Vector, least: float, greatest: float) -> Vector:
    """Return the elements within bounds; nothing where these are the wrong way round."""
    if greatest < least:
        return {}

    def within(value: float) -> float:
        return _greater(least, -_greater(-greatest, -value))

    return of_each(within, vector)


def clamp_max(vector: Vector, greatest: float) -> Vector:
    """Return the elements with an upper bound."""
    return clamp(vector, -math.inf, greatest)


def clamp_min(vector: Vector, least: float) -> Vector:
    """Return the elements with a lower bound."""
    return clamp(vector, least, math.inf)


def round_to(vector: Vector, nearest: float = 1.0) -> Vector:
    """Return the elements rounded to a multiple, halves upwards."""
    inverse = divide(1.0, nearest)

    def rounded(value: float) -> float:
        scaled = value * inverse + 0.5
        return divide(float(math.floor(scaled)) if math.isfinite(scaled) else scaled, inverse)

    return of_each(rounded, vector)


def scalar(vector: Vector) -> float:
    """Return the value of the only element; not a number if there is not exactly one."""
    return next(iter(vector.values())) if len(vector) == 1 else math.nan


def vector(number: float) -> Vector:
    """Return a vector of one element without labels."""
    return {(): number}
