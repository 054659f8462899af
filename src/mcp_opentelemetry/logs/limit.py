"""How many records a logger may log: one that runs wild must not drown the others."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_LOGGERS: Final = 1000  # names may be made up


@dataclass(slots=True)
class _Window:
    started: float
    passed: int = 0


class Limit:
    """Lets so many records of each logger pass in each second, warnings and worse apart from the others.

    Args:
        most: records a second; 0 for no limit.
        clock: returns seconds that never go back.
    """

    period: Final = 1.0
    """Seconds."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._lock = Lock()
        self._windows: dict[tuple[str, bool], _Window] = {}
        self._held: dict[str, int] = {}

    def passes(self, logger: str, level: int) -> bool:
        """Return whether a record is logged; counts it."""
        if self._most == 0:
            return True
        now = self._clock()
        key = (logger, level >= logging.WARNING)
        with self._lock:
            window = self._windows.get(key)
            if window is None or now - window.started >= self.period:
                if len(self._windows) >= _MOST_LOGGERS:
                    self._windows.clear()
                window = self._windows[key] = _Window(now)
            if window.passed < self._most:
                window.passed += 1
                return True
            self._held[logger] = self._held.get(logger, 0) + 1
            return False

    def news(self) -> dict[str, int]:
        """Return how many records of which logger were held back since this was last asked."""
        with self._lock:
            held, self._held = self._held, {}
        return held
