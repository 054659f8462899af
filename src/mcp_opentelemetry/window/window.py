"""The window: what the in-memory reader has collected, kept in slots, bounded in memory."""

from __future__ import annotations

import logging
import math
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.window.distribution import Distribution
from mcp_opentelemetry.window.rings import FINE, HistogramTrack, Track

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.window.reader import Attributes, Row

K = TypeVar("K")


class Kind(NamedTuple):
    """What a metric is.

    Args:
        unit: the instrument's.
        is_counter: whether its values only grow.
        is_histogram: whether it has distributions instead of values.
    """

    unit: str
    is_counter: bool
    is_histogram: bool


REACH: Final = FINE.reach
"""Seconds for which distributions are kept: five minutes."""

# What is older than this process, or than the window: how large it was before is not known.
_OLDER: Final = ("system.", "process.")
_MOST_SERIES: Final = 50_000
_GRAIN: Final = 1e-6  # seconds: so much before its end a moment is still in a slot

_logger = logging.getLogger("mcp_opentelemetry")


class Window:
    """The recent values of every series.

    A moment is in seconds since the window was opened, by the monotonic clock: a wall clock that is set, and a process
    that was suspended, move nothing.

    Args:
        collect: returns what has come in since it was last called.
        clock: returns seconds.
    """

    def __init__(self, collect: Callable[[], list[Row]], clock: Callable[[], float] = monotonic) -> None:
        self._collect = collect
        self._clock = clock
        self._opened = clock()
        self._collecting = Lock()
        self._lock = Lock()
        self._collected = -math.inf
        self._slot = 0
        self._tracks: dict[str, dict[Attributes, Track]] = {}
        self._histograms: dict[str, dict[Attributes, HistogramTrack]] = {}
        self._kinds: dict[str, Kind] = {}
        self._count = 0
        self._closing: list[Callable[[], object]] = []

    def now(self) -> float:
        """Return the moment."""
        return self._clock() - self._opened

    def on_close(self, call: Callable[[], object]) -> None:
        """Call something each time that a slot has been closed, with everything of it collected."""
        self._closing.append(guarded(call))

    def keep_up(self) -> None:
        """Close the open slot if its time is over; to be called every second."""
        if FINE.number(self.now()) > self._slot:
            self.collect()

    def collect(self) -> None:
        """Bring the open slot up to date; of several callers at a time, one does it for all."""
        asked = self.now()
        with self._collecting:
            if self._collected > asked:
                return  # somebody else has, since this was asked
            # What is collected now came in since the last time, most of it in the slot that is open still.
            moment = self.now()
            rows = self._collect()
            slot = FINE.number(moment)
            is_closing = slot > self._slot
            when = min(moment, (self._slot + 1) * FINE.slot - _GRAIN) if is_closing else moment
            with self._lock:
                for row in rows:
                    self._put(row, when)
                self._collected, self._slot = moment, slot
        if is_closing:
            for call in self._closing:
                call()

    def kinds(self) -> dict[str, Kind]:
        """Return what metrics there are."""
        with self._lock:
            return dict(self._kinds)

    def tracks(self, metric: str) -> dict[Attributes, Track]:
        """Return the series of a counter or gauge."""
        with self._lock:
            return dict(self._tracks.get(metric, {}))

    def histograms(self, metric: str) -> dict[Attributes, HistogramTrack]:
        """Return the series of a histogram."""
        with self._lock:
            return dict(self._histograms.get(metric, {}))

    def recent(self, metric: str, seconds: float = REACH) -> dict[Attributes, Distribution]:
        """Return the values that each series of a histogram was given in the last seconds, where there are any.

        Args:
            metric: the instrument's name.
            seconds: how far back, at most five minutes.
        """
        now = self.now()
        with self._lock:
            recent = {key: track.recent(now, seconds) for key, track in self._histograms.get(metric, {}).items()}
        return {key: values for key, values in recent.items() if values.count}

    def increases(self, metric: str, seconds: float = REACH) -> dict[Attributes, float]:
        """Return how much each series of a counter has grown in the last seconds.

        Args:
            metric: the instrument's name.
            seconds: how far back, at most six hours.
        """
        now = self.now()
        with self._lock:
            return {key: track.increase(now, seconds) for key, track in self._tracks.get(metric, {}).items()}

    def _put(self, row: Row, when: float) -> None:
        is_histogram = isinstance(row.value, Distribution)
        self._kinds[row.metric] = Kind(row.unit, row.is_counter, is_histogram)
        if isinstance(row.value, Distribution):
            series = self._histograms.setdefault(row.metric, {})
            histogram = series.get(row.attributes) or self._new(series, row.attributes, HistogramTrack)
            if histogram is not None:
                histogram.add(when, row.value)
            return
        tracks = self._tracks.setdefault(row.metric, {})
        is_counted_here = row.is_counter and not row.metric.startswith(_OLDER)
        track = tracks.get(row.attributes) or self._new(
            tracks, row.attributes, lambda: Track(0.0 if is_counted_here else math.nan)
        )
        if track is not None:
            track.put(when, row.value)

    def _new(self, series: dict[Attributes, K], attributes: Attributes, make: Callable[[], K]) -> K | None:
        self._count += 1
        if self._count > _MOST_SERIES:
            if self._count == _MOST_SERIES + 1:
                _logger.warning("more than %d series: the dashboard and the alerts see no further ones", _MOST_SERIES)
            return None
        return series.setdefault(attributes, make())
