"""A base-2 exponential histogram that can be merged without loss, and its quantiles with a proven bound.

At scale s the bucket with index i holds the values in (g^i, g^(i+1)], where g = 2^(2^-s). Halving the resolution joins
pairs of buckets exactly, so histograms of different scales merge at the lowest of them. The value 2·lo·hi/(lo+hi) of a
bucket (lo, hi] is within (g-1)/(g+1) of everything in it, which is the bound that DDSketch proves.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# What a histogram without buckets counts as: it must not drag others down to a coarser scale.
_ANY_SCALE: Final = 20


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets that are not empty, in the order of their indexes: eight bytes each."""

    indexes: array[int] = field(default_factory=lambda: array("i"))
    counts: array[int] = field(default_factory=lambda: array("Q"))

    @classmethod
    def of_counts(cls, offset: int, counts: Sequence[int]) -> Buckets:
        """Take over the buckets of a data point; `offset` is the index of the first."""
        filled = [(offset + place, count) for place, count in enumerate(counts) if count]
        return cls(array("i", [index for index, _ in filled]), array("Q", [count for _, count in filled]))

    @classmethod
    def of_mapping(cls, counts: Mapping[int, int]) -> Buckets:
        """Take over counts by index."""
        indexes = sorted(counts)
        return cls(array("i", indexes), array("Q", [counts[index] for index in indexes]))

    def __bool__(self) -> bool:
        return bool(self.indexes)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.indexes, self.counts, strict=True)


@dataclass(frozen=True, slots=True)
class Distribution:
    """How values are spread. Count, sum, least and greatest are exact, quantiles within `bound`.

    Args:
        count: how many values.
        total: their sum.
        low: the least of them.
        high: the greatest of them.
        zeros: how many are 0.
        scale: the resolution of the buckets.
        buckets: the values above 0; a histogram of OpenTelemetry takes none below.
    """

    count: int = 0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    zeros: int = 0
    scale: int = _ANY_SCALE
    buckets: Buckets = Buckets()

    @property
    def average(self) -> float:
        """The mean; 0 for no values."""
        return self.total / self.count if self.count else 0.0

    @property
    def bound(self) -> float:
        """How far a quantile may be from the value of that rank, as a share of it; 0 where every value is known."""
        if self.low == self.high or not self.buckets:
            return 0.0
        base = _base(self.scale)
        return (base - 1) / (base + 1)

    def quantile(self, share: float) -> float:
        """Return the value of the nearest rank, within `bound`; 0 for no values.

        Args:
            share: 0..1; 0.5 is the median.
        """
        if not self.count:
            return 0.0
        rank = min(max(math.ceil(share * self.count), 1), self.count)
        for value, count in self.ascending():
            rank -= count
            if rank <= 0:
                return min(max(value, self.low), self.high)
        return self.high

    def ascending(self) -> Iterator[tuple[float, int]]:
        """Return values, each within `bound`, and how often they occur."""
        if self.zeros:
            yield 0.0, self.zeros
        for index, count in self.buckets:
            yield _value(index, self.scale), count


EMPTY: Final = Distribution()


def merge(parts: Iterable[Distribution]) -> Distribution:
    """Return all values of several distributions as one."""
    parts = [part for part in parts if part.count]
    if len(parts) <= 1:
        return parts[0] if parts else EMPTY
    # One without buckets has a scale that means nothing: the SDK gives 0 to a slot in which everything took 0.
    scale = min((part.scale for part in parts if part.buckets), default=_ANY_SCALE)
    return Distribution(
        count=sum(part.count for part in parts),
        total=math.fsum(part.total for part in parts),
        low=min(part.low for part in parts),
        high=max(part.high for part in parts),
        zeros=sum(part.zeros for part in parts),
        scale=scale,
        buckets=_merge_buckets((part.buckets, part.scale - scale) for part in parts),
    )


def _merge_buckets(parts: Iterable[tuple[Buckets, int]]) -> Buckets:
    counts: Counter[int] = Counter()
    for buckets, shift in parts:
        for index, count in buckets:
            counts[index >> shift] += count
    return Buckets.of_mapping(counts)


def _base(scale: int) -> float:
    return 2.0 ** (2.0**-scale)


def _value(index: int, scale: int) -> float:
    # 2·lo·hi/(lo+hi) with hi = g·lo, in a form that does not overflow for the largest floats.
    lower = 2.0 ** (index * 2.0**-scale)
    base = _base(scale)
    return lower * (2 * base / (1 + base))
