"""Series that are given sample by sample: what rules record, and what tests of rules say."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from mcp_opentelemetry.alerts.promql.model import NAME, Labels, Matcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class GivenSeries:
    """One series; `None` as a value says that it has ended.

    Args:
        labels: the metric's name among them.
    """

    __slots__ = ("_times", "_values", "by_name", "labels")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.by_name = dict(labels)
        self._times: list[float] = []
        self._values: list[float | None] = []

    def add(self, when: float, value: float | None) -> None:
        """Add a sample that is later than all others; of two at one moment, the second counts."""
        if self._times and self._times[-1] == when:
            self._values[-1] = value
            return
        self._times.append(when)
        self._values.append(value)

    def forget(self, before: float) -> bool:
        """Drop the samples before a moment; returns whether any is left."""
        first = bisect_right(self._times, before)
        del self._times[:first], self._values[:first]
        return bool(self._times)

    def between(self, start: float, end: float) -> tuple[Sequence[float], Sequence[float]]:
        """Return times and values of the samples after the start, up to and including the end."""
        first, after = bisect_right(self._times, start), bisect_right(self._times, end)
        pairs = zip(self._times[first:after], self._values[first:after], strict=True)
        known = [(when, value) for when, value in pairs if value is not None]
        return [when for when, _ in known], [value for _, value in known]

    def last(self, start: float, end: float) -> float | None:
        """Return the last value in that time; `None` if there is none, or if the series has ended since."""
        place = bisect_right(self._times, end) - 1
        return self._values[place] if place >= 0 and self._times[place] > start else None


class GivenStorage:
    """Series by their names."""

    def __init__(self) -> None:
        self._by_name: defaultdict[str, dict[Labels, GivenSeries]] = defaultdict(dict)

    def add(self, labels: Labels, when: float, value: float | None) -> None:
        """Add a sample to the series of these labels."""
        series = self._by_name[dict(labels).get(NAME, "")]
        if labels not in series:
            series[labels] = GivenSeries(labels)
        series[labels].add(when, value)

    def forget(self, before: float) -> None:
        """Drop the samples before a moment, and the series without any."""
        for name, series in list(self._by_name.items()):
            kept = {labels: each for labels, each in series.items() if each.forget(before)}
            self._by_name[name] = kept
            if not kept:
                del self._by_name[name]

    def select(self, matchers: Sequence[Matcher]) -> Iterator[GivenSeries]:
        """Return the series that meet all conditions."""
        named = [matcher.value for matcher in matchers if matcher.label == NAME and matcher.operator == "="]
        tests = [(each.label, each.test()) for each in matchers if each.label != NAME or each.value not in named[:1]]
        candidates = named[:1] or list(self._by_name)
        for name in candidates:
            for series in list(self._by_name.get(name, {}).values()):
                for label, test in tests:
                    if not test(series.by_name.get(label, "")):
                        break
                else:
                    yield series
