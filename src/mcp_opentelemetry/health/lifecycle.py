"""Where the server is in its life: starting, ready, draining."""

from __future__ import annotations

from threading import Lock
from typing import Literal

from mcp_opentelemetry.guard import guarded

Phase = Literal["starting", "ready", "draining"]


class Lifecycle:
    """The phase of this process, as web servers and transports report it while they start and stop."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Know of no start and no end, as in a forked child."""
        self._lock = Lock()
        self._starting = 0
        self._is_draining = False

    @property
    def phase(self) -> Phase:
        """The phase at this moment."""
        if self._is_draining:
            return "draining"
        return "starting" if self._starting else "ready"

    @guarded
    def starts(self) -> None:
        """Take note that a start is under way; `started` must follow."""
        with self._lock:
            self._starting += 1
            self._is_draining = False  # what has ended before was another server of this process

    @guarded
    def started(self) -> None:
        """Take note that a start is over, one way or the other."""
        with self._lock:
            self._starting = max(0, self._starting - 1)

    @guarded
    def drains(self) -> None:
        """Take note that no new work is wanted any more."""
        self._is_draining = True
