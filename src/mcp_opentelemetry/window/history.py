"""The last hour in points of ten seconds, for charts that were not open then."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.window.distribution import merge
from mcp_opentelemetry.window.rings import FINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.window.distribution import Distribution
    from mcp_opentelemetry.window.window import Window

_KEPT: Final = 360


@dataclass(frozen=True, slots=True)
class Point:
    """What happened in one slot.

    Args:
        time: its end, in seconds since the epoch.
        calls: tool calls that ended in it.
        errors: those that failed.
        median: their duration, in seconds; `None` without calls.
        p95: likewise.
        memory: share of memory in use at the end, 0..1; `None` where it is not known.
        lag: the event loop's worst delay of late, in seconds; `None` where none is watched.
    """

    time: float
    calls: int
    errors: int
    median: float | None
    p95: float | None
    memory: float | None
    lag: float | None


class History:
    """The points of the last hour.

    Args:
        window: what they are taken from.
        memory: returns the share of memory in use.
        lag: returns the event loop's lag.
    """

    def __init__(self, window: Window, memory: Callable[[], float | None], lag: Callable[[], float | None]) -> None:
        self._window = window
        self._memory = memory
        self._lag = lag
        self._lock = Lock()
        self._points: deque[Point] = deque(maxlen=_KEPT)
        self._calls = self._errors = 0
        window.on_close(self._add)

    def columns(self, since: float = 0.0) -> dict[str, list[float | None]]:
        """Return the points as one list for each of their parts, the oldest first.

        Args:
            since: only later ones, in seconds since the epoch.
        """
        with self._lock:
            points = [asdict(point) for point in self._points if point.time > since]
        return {name: [point[name] for point in points] for name in Point.__dataclass_fields__}

    def _add(self) -> None:
        calls = errors = 0
        for key, track in self._window.tracks(semconv.REQUESTS).items():
            calls += int(track.last)
            errors += int(track.last) if (semconv.STATUS, "error") in key else 0
        spread = self._last_slot()
        point = Point(
            time=round(time(), 3),
            calls=calls - self._calls,
            errors=errors - self._errors,
            median=spread.quantile(0.5) if spread.count else None,
            p95=spread.quantile(0.95) if spread.count else None,
            memory=self._memory(),
            lag=self._lag(),
        )
        self._calls, self._errors = calls, errors
        with self._lock:
            self._points.append(point)

    def _last_slot(self) -> Distribution:
        tool_calls = (semconv.MCP_METHOD_NAME, semconv.TOOLS_CALL)
        # The slot that has just been closed, and the open one, which is empty still.
        recent = self._window.recent(semconv.SERVER_OPERATION_DURATION, FINE.slot)
        return merge(spread for key, spread in recent.items() if tool_calls in key)
