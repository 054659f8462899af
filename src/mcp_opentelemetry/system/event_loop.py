"""Whether the event loop turns: a beat on it, seen from other threads while it does not."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from mcp_opentelemetry.system.culprit import Culprit

_INTERVAL: Final = 0.25  # seconds between two beats
_REMEMBERED: Final = 15.0  # seconds for which a late beat is shown: longer than a scrape interval usually is


@dataclass(frozen=True, slots=True)
class Block:
    """An event loop that has not turned for a while.

    Args:
        seconds: for how long, beyond the beat that was due.
        culprit: what holds it.
    """

    seconds: float
    culprit: Culprit | None


class EventLoops:
    """The loops that serve MCP in this process."""

    def __init__(self) -> None:
        self._beats: WeakKeyDictionary[AbstractEventLoop, _Beat] = WeakKeyDictionary()
        self._lock = Lock()

    @guarded
    def watch(self) -> None:
        """Watch the running loop, if it is asyncio's; on trio there is none, and nothing is known."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        with self._lock:
            if loop not in self._beats:
                self._beats[loop] = _Beat(loop)

    def close(self) -> None:
        """Let all beats end."""
        with self._lock:
            for beat in self._beats.values():
                beat.is_over = True
            self._beats.clear()

    def running(self) -> AbstractEventLoop | None:
        """Return the loop that serves; the latest, if there are several."""
        with self._lock:
            return next((loop for loop in reversed(list(self._beats)) if loop.is_running()), None)

    def lag(self) -> float | None:
        """Return the worst delay of a beat in the last 15 seconds, the one that is due now included."""
        beats = self._alive()
        return max((beat.lag() for beat in beats), default=None)

    def block(self) -> Block | None:
        """Return what is worst about the loops now; `None` where none is watched."""
        worst = max(self._alive(), key=lambda beat: beat.overdue(), default=None)
        if worst is None:
            return None
        seconds = worst.overdue()
        return Block(seconds, worst.culprit() if seconds > 0 else None)

    def _alive(self) -> list[_Beat]:
        with self._lock:
            return [beat for loop, beat in self._beats.items() if loop.is_running()]


class _Beat:
    """The beat of one loop.

    Args:
        loop: the running loop.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.is_over = False
        self._thread = threading.get_ident()
        self._late: deque[tuple[float, float]] = deque()
        self._due = monotonic() + _INTERVAL
        self._schedule(loop)

    def overdue(self) -> float:
        """Return for how many seconds the next beat should have been there already."""
        return max(0.0, monotonic() - self._due)

    def lag(self) -> float:
        """Return the worst delay of the last while."""
        horizon = monotonic() - _REMEMBERED
        return max([self.overdue(), *(lag for when, lag in list(self._late) if when > horizon)])

    def culprit(self) -> Culprit | None:
        """Return what the loop's thread is doing."""
        from mcp_opentelemetry.system.culprit import find_culprit  # noqa: PLC0415 (only when there is one)

        # The only way to see another thread's stack.
        frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (documented)
        return find_culprit(frames.get(self._thread))

    def _schedule(self, loop: AbstractEventLoop) -> None:
        # A plain timer: unlike a task, nobody has to await or cancel it when the loop ends.
        loop.call_later(_INTERVAL, self._beat, loop)

    @guarded  # or the host's handler of its loop's exceptions would hear of ours
    def _beat(self, loop: AbstractEventLoop) -> None:
        now = monotonic()
        self._note(now, now - self._due)
        self._due = now + _INTERVAL
        if not self.is_over:
            self._schedule(loop)

    @guarded  # a beat that cannot be noted is not the last one
    def _note(self, now: float, late: float) -> None:
        while self._late and self._late[-1][1] <= late:
            self._late.pop()  # it will never be the worst again
        while self._late and self._late[0][0] < now - _REMEMBERED:
            self._late.popleft()
        self._late.append((now, late))
