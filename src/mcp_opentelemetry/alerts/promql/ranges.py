"""Functions over the samples of a stretch of time. Rates are extrapolated as Prometheus does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from mcp_opentelemetry.alerts.promql.arithmetic import deviation, greatest, least, mean, total, variance

Times = Sequence[float]
Values = Sequence[float]


class Range:
    """The samples of one series in a range.

    Args:
        times: seconds.
        values: as many.
        start: of the range, which is open there.
        end: of the range.
    """

    __slots__ = ("end", "start", "times", "values")

    def __init__(self, times: Times, values: Values, start: float, end: float) -> None:
        self.times = times
        self.values = values
        self.start = start
        self.end = end


def _extrapolated(samples: Range, *, is_counter: bool, is_rate: bool) -> float | None:
    """Return the change over the whole range, as if the samples went on to its ends where they come near them."""
    times, values = samples.times, samples.values
    if len(values) < 2:  # noqa: PLR2004 (a change is between two)
        return None
    change = values[-1] - values[0]
    if is_counter:
        for before, after in pairwise(values):
            if after < before:
                change += before
    sampled = times[-1] - times[0]
    average = sampled / (len(values) - 1)
    to_start, to_end = times[0] - samples.start, samples.end - times[-1]
    near = average * 1.1
    if to_start >= near:
        to_start = average / 2
    if is_counter and change > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / change))  # a counter was never below 0
    if to_end >= near:
        to_end = average / 2
    factor = (sampled + to_start + to_end) / sampled
    return change * (factor / (samples.end - samples.start) if is_rate else factor)


def _rate(samples: Range) -> float | None:
    return _extrapolated(samples, is_counter=True, is_rate=True)


def _increase(samples: Range) -> float | None:
    return _extrapolated(samples, is_counter=True, is_rate=False)


def _delta(samples: Range) -> float | None:
    return _extrapolated(samples, is_counter=False, is_rate=False)


def _irate(samples: Range) -> float | None:
    if len(samples.values) < 2:  # noqa: PLR2004 (as above)
        return None
    before, last = samples.values[-2:]
    elapsed = samples.times[-1] - samples.times[-2]
    return (last if last < before else last - before) / elapsed if elapsed else None


def _idelta(samples: Range) -> float | None:
    return samples.values[-1] - samples.values[-2] if len(samples.values) >= 2 else None  # noqa: PLR2004 (as above)


def _resets(samples: Range) -> float:
    return float(sum(after < before for before, after in pairwise(samples.values)))


def _changes(samples: Range) -> float:
    pairs = pairwise(samples.values)
    return float(sum(after != before and not (math.isnan(after) and math.isnan(before)) for before, after in pairs))


FUNCTIONS: Final[dict[str, Callable[[Range], float | None]]] = {
    "rate": _rate,
    "increase": _increase,
    "delta": _delta,
    "irate": _irate,
    "idelta": _idelta,
    "resets": _resets,
    "changes": _changes,
    "avg_over_time": lambda samples: mean(samples.values),
    "min_over_time": lambda samples: least(samples.values),
    "max_over_time": lambda samples: greatest(samples.values),
    "sum_over_time": lambda samples: total(samples.values),
    "count_over_time": lambda samples: float(len(samples.values)),
    "last_over_time": lambda samples: samples.values[-1],
    "present_over_time": lambda _: 1.0,
    "stddev_over_time": lambda samples: deviation(samples.values),
    "stdvar_over_time": lambda samples: variance(samples.values),
}
"""By name; `None` for no answer. They are called with one sample or more."""
