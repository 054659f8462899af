"""The window as series of samples, under the names of `/metrics`: what rules are evaluated over in process."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.buckets import bucket_series
from mcp_opentelemetry.alerts.prometheus_names import metric_name, series_labels
from mcp_opentelemetry.alerts.promql.model import NAME, Matcher
from mcp_opentelemetry.window.rings import FINE, GRIDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mcp_opentelemetry.alerts.promql.model import Labels, Series
    from mcp_opentelemetry.window.distribution import Distribution
    from mcp_opentelemetry.window.reader import Attributes
    from mcp_opentelemetry.window.rings import Track
    from mcp_opentelemetry.window.window import Window

LONGEST: Final = GRIDS[-1].reach
"""Seconds for which samples are kept: six hours, in coarser and coarser slots."""

_LE: Final = "le"
_MOST_KNOWN: Final = 200_000


class WindowStorage:
    """Finds series in a window.

    Args:
        window: where the values are.
        common: returns the labels that a scrape would add.
        clock: returns seconds since the epoch.
    """

    def __init__(
        self, window: Window, common: Callable[[], Mapping[str, str]], clock: Callable[[], float] = time
    ) -> None:
        self._window = window
        self._common = common
        self._clock = clock
        self._labels: dict[tuple[str, Attributes], Labels] = {}

    def covered(self) -> float:
        """Return for how long the window has been open, in seconds."""
        return self._window.now()

    def names(self) -> set[str]:
        """Return the names of all metrics there are."""
        return {name for name, *_ in self._families()}

    def select(self, matchers: Sequence[Matcher]) -> Iterator[Series]:
        """Return the series that meet all conditions."""
        on_name = [matcher.test() for matcher in matchers if matcher.label == NAME]
        tests = [(matcher.label, matcher.test()) for matcher in matchers if matcher.label != NAME]
        opened = self._clock() - self._window.now()
        for name, metric, part in self._families():
            if not all(test(name) for test in on_name):
                continue
            for series in self._series(name, metric, part, opened):
                values = dict(series.labels)
                if all(test(values.get(label, "")) for label, test in tests):
                    yield series

    def spreads(self, matchers: Sequence[Matcher], seconds: float) -> list[tuple[Labels, Distribution]] | None:
        """Return the distributions of the last seconds behind the buckets that meet all conditions.

        `None` where these say something of `le`, or look back further than distributions are kept.
        """
        if seconds > FINE.reach or any(matcher.label == _LE for matcher in matchers):
            return None
        on_name = [matcher.test() for matcher in matchers if matcher.label == NAME]
        tests = [(matcher.label, matcher.test()) for matcher in matchers if matcher.label != NAME]
        found: list[tuple[Labels, Distribution]] = []
        for name, metric, part in self._families():
            if part != "bucket" or not all(test(name) for test in on_name):
                continue
            for attributes, spread in self._window.recent(metric, seconds).items():
                labels = self._labels_of(name, attributes)
                values = dict(labels)
                if all(test(values.get(label, "")) for label, test in tests):
                    found.append((labels, spread))
        return found

    def _families(self) -> Iterator[tuple[str, str, str]]:
        for metric, kind in self._window.kinds().items():
            name = metric_name(metric, kind)
            if not kind.is_histogram:
                yield name, metric, "value"
                continue
            for part in ("count", "sum", "bucket"):
                yield f"{name}_{part}", metric, part

    def _series(self, name: str, metric: str, part: str, opened: float) -> Iterator[Series]:
        if part == "value":
            for attributes, track in self._window.tracks(metric).items():
                yield _TrackSeries(self._labels_of(name, attributes), track, opened)
            return
        for attributes, histogram in self._window.histograms(metric).items():
            labels = self._labels_of(name, attributes)
            if part == "bucket":
                yield from bucket_series(labels, histogram, opened, self._window.now())
            else:
                yield _TrackSeries(labels, histogram.count if part == "count" else histogram.total, opened)

    def _labels_of(self, name: str, attributes: Attributes) -> Labels:
        known = self._labels.get((name, attributes))
        if known is None:
            if len(self._labels) >= _MOST_KNOWN:
                self._labels.clear()
            known = self._labels[name, attributes] = series_labels(name, attributes, self._common())
        return known


@dataclass(frozen=True, slots=True)
class _TrackSeries:
    """A track; `opened` is when its window was, in seconds since the epoch."""

    labels: Labels
    track: Track
    opened: float

    def between(self, start: float, end: float) -> tuple[Sequence[float], Sequence[float]]:
        track, times, values = self.track, list[float](), list[float]()
        if track.born is None:
            return times, values
        first, last, now = start - self.opened, end - self.opened, track.updated
        grid = next((grid for grid in GRIDS if now - first <= grid.reach + grid.slot), GRIDS[-1])
        before = track.born // grid.slot * grid.slot
        if not math.isnan(track.start) and first < before <= last and track.start == 0:
            times.append(self.opened + before)  # what is counted here was 0 until it was first seen
            values.append(track.start)
        for slot, value in track.rings[grid].known(grid.number(first), grid.number(last)):
            when = min((slot + 1) * grid.slot, now)
            if not first < when <= last:
                continue
            if times and times[-1] == self.opened + when:
                values[-1] = value  # an open slot that has just begun, at the end of the one before
                continue
            times.append(self.opened + when)
            values.append(value)
        return times, values

    def last(self, start: float, end: float) -> float | None:
        updated = self.opened + self.track.updated
        if start < updated <= end:
            return self.track.last
        values = self.between(start, end)[1]
        return values[-1] if values else None
