"""`histogram_quantile` over the series of a classic histogram, one for each `le`."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.promql.arithmetic import divide
from mcp_opentelemetry.alerts.promql.model import Labels, Vector, nameless, vector_of, without

if TYPE_CHECKING:
    from collections.abc import Sequence

_BUCKET: Final = "le"
_NOT_THE_SERIES: Final = frozenset({_BUCKET})
_BOUND: Final = re.compile(
    r"[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf|infinity)", re.IGNORECASE | re.ASCII
)
_TOLERANCE: Final = 1e-12  # relative: what floating-point sums differ by is no difference between buckets


def histogram_quantile(share: float, buckets: Vector) -> Vector:
    """Return the quantile of each histogram; elements without a number as `le` are left out."""
    histograms: defaultdict[Labels, dict[float, float]] = defaultdict(dict)
    for labels, count in buckets.items():
        bound = next((value for name, value in labels if name == _BUCKET), "")
        if _BOUND.fullmatch(bound):
            counts = histograms[without(labels, _NOT_THE_SERIES)]
            counts[float(bound)] = counts.get(float(bound), 0.0) + count
    return vector_of(
        (nameless(labels), _quantile(share, sorted(counts.items()))) for labels, counts in histograms.items()
    )


def _quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float:  # noqa: PLR0911 (a table of cases)
    """Return where the observation of a rank lies, by straight lines through the buckets."""
    if math.isnan(share):
        return math.nan
    if share < 0:
        return -math.inf
    if share > 1:
        return math.inf
    if len(buckets) < 2 or buckets[-1][0] != math.inf:  # noqa: PLR2004 (one bucket and the rest)
        return math.nan
    counts = _rising([count for _, count in buckets])
    if counts[-1] == 0:
        return math.nan
    rank = share * counts[-1]
    place = next((place for place, count in enumerate(counts[:-1]) if count >= rank), len(counts) - 1)
    if place == len(counts) - 1:
        return buckets[-2][0]
    end = buckets[place][0]
    if place == 0 and end <= 0:
        return end
    start, before = (buckets[place - 1][0], counts[place - 1]) if place else (0.0, 0.0)
    return start + (end - start) * divide(rank - before, counts[place] - before)


def _rising(counts: Sequence[float]) -> list[float]:
    """Return counts that never fall: scraped one after the other, buckets may contradict each other."""
    rising = [counts[0]]
    for count in counts[1:]:
        last = rising[-1]
        is_same = count <= last or abs(count - last) / (abs(count) + abs(last)) < _TOLERANCE
        rising.append(last if is_same else count)
    return rising
