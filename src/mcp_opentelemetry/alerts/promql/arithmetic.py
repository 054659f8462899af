"""Sums and spreads of floats, of which some may be infinite or not a number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def divide(left: float, right: float) -> float:
    """Return a quotient: infinite or not a number where the divisor is 0."""
    if right:
        return left / right
    if math.isnan(left) or not left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def total(values: Sequence[float]) -> float:
    """Return the sum, without rounding on the way."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # beyond the largest float, or infinities of both signs
        return sum(values)


def mean(values: Sequence[float]) -> float:
    """Return the average of one value or more."""
    average = total(values) / len(values)
    if math.isinf(average) and all(map(math.isfinite, values)):  # the sum alone is beyond the largest float
        return math.fsum(value / len(values) for value in values)
    return average


def variance(values: Sequence[float]) -> float:
    """Return the population's variance, of one value or more."""
    center = mean(values)
    return mean([(value - center) * (value - center) for value in values]) if math.isfinite(center) else math.nan


def deviation(values: Sequence[float]) -> float:
    """Return the population's standard deviation."""
    return math.sqrt(variance(values))


def least(values: Sequence[float]) -> float:
    """Return the least number; not a number if there is none."""
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def greatest(values: Sequence[float]) -> float:
    """Return the greatest number; not a number if there is none."""
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def quantile(share: float, values: Sequence[float]) -> float:
    """Return a quantile, between the two nearest ranks; infinite where the share is outside 0 to 1."""
    if not values or math.isnan(share):
        return math.nan
    if share < 0:
        return -math.inf
    if share > 1:
        return math.inf
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))  # what is no number comes first
    rank = share * (len(ordered) - 1)
    lower = math.floor(rank)
    upper = min(lower + 1, len(ordered) - 1)
    weight = rank - lower
    return ordered[lower] * (1 - weight) + ordered[upper] * weight
