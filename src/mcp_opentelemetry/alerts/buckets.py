"""The buckets of `/metrics`, counted from the distributions that the window keeps."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.operations.semconv import DURATION_BOUNDARIES
from mcp_opentelemetry.window.rings import FINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_opentelemetry.alerts.promql.model import Labels
    from mcp_opentelemetry.window.distribution import Distribution
    from mcp_opentelemetry.window.rings import HistogramTrack

_LE: Final = "le"
_BOUNDS: Final = (*DURATION_BOUNDARIES, math.inf)
_MOST_HISTOGRAMS: Final = 10_000


@dataclass(frozen=True, slots=True)
class BucketSeries:
    """The count of one bucket, from the beginning of what the window keeps."""

    labels: Labels
    times: Sequence[float]
    values: Sequence[float]

    def between(self, start: float, end: float) -> tuple[Sequence[float], Sequence[float]]:
        first, after = bisect_right(self.times, start), bisect_right(self.times, end)
        return self.times[first:after], self.values[first:after]

    def last(self, start: float, end: float) -> float | None:
        values = self.between(start, end)[1]
        return values[-1] if values else None


def bucket_series(labels: Labels, histogram: HistogramTrack, opened: float, now: float) -> Iterator[BucketSeries]:
    """Return a series for each bound of `/metrics`; a value next to a bound may be on its other side."""
    newest = FINE.number(now)
    slots = dict(histogram.slots())
    first = max(0, newest - FINE.kept)
    counts = [0.0] * len(_BOUNDS)
    times = [opened + first * FINE.slot]
    rows = [tuple(counts)]
    for slot in range(first, newest + 1):
        if values := slots.get(slot):
            counts = [count + more for count, more in zip(counts, _below_bounds(values), strict=True)]
        times.append(opened + min((slot + 1) * FINE.slot, now))
        rows.append(tuple(counts))
    for place, labels_of_bound in enumerate(_labels_of_bounds(labels)):
        yield BucketSeries(labels_of_bound, times, [row[place] for row in rows])


@lru_cache(_MOST_HISTOGRAMS)
def _labels_of_bounds(labels: Labels) -> tuple[Labels, ...]:
    bounds = ("+Inf" if math.isinf(bound) else repr(float(bound)) for bound in _BOUNDS)
    return tuple(tuple(sorted((*labels, (_LE, bound)))) for bound in bounds)


def _below_bounds(values: Distribution) -> list[int]:
    """Return how many values are at most each bound."""
    counts = [0] * len(_BOUNDS)
    for value, count in values.ascending():
        counts[bisect_right(_BOUNDS, value) if value not in _BOUNDS else _BOUNDS.index(value)] += count
    for place in range(1, len(counts)):
        counts[place] += counts[place - 1]
    return counts
