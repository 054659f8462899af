"""Takes the vitals on a clock of its own; everybody else reads the last ones."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.system.vitals import Vitals

INTERVAL: Final = 5.0
"""Seconds between two samples."""

_FIRST_INTERVAL: Final = 0.2  # a utilisation needs two readings: the first one should not be long in coming
_KEPT: Final = 60.0  # seconds of utilisation that are remembered


@dataclass(frozen=True, slots=True)
class Sample:
    """The vitals, and what only two readings tell.

    Args:
        vitals: the second reading.
        cpu: the share of the available processors that was busy in between, 0 to 1.
        process_cpu: the share of the available processors that this process used, by `cpu.mode`.
    """

    vitals: Vitals
    cpu: float | None
    process_cpu: dict[str, float]


class Sampler:
    """Keeps the last sample.

    Args:
        read: reads the vitals.
    """

    def __init__(self, read: Callable[[], Vitals]) -> None:
        self._read = read
        self._previous: Vitals | None = None
        self._loads: deque[tuple[float, float]] = deque()
        self._has_sampled = Event()
        self.last: Sample | None = None

    def sample(self) -> None:
        """Take the vitals; the first time twice, for which it waits a moment."""
        if self._previous is None:
            self._previous = self._read()
            Event().wait(_FIRST_INTERVAL)
        vitals = self._read()
        self.last = sample = _between(self._previous, vitals)
        self._previous = vitals
        if sample.cpu is not None:
            self._loads.append((vitals.taken, sample.cpu))
        while self._loads and self._loads[0][0] < vitals.taken - _KEPT - INTERVAL:
            self._loads.popleft()
        self._has_sampled.set()

    def wait(self, seconds: float) -> Sample | None:
        """Return the last sample; before the first one, wait for it."""
        self._has_sampled.wait(seconds)
        return self.last

    def lowest_cpu(self, seconds: float) -> float | None:
        """Return the least share of the processors that was busy at any time in the last seconds.

        `None` until that long has been sampled; a suspended process starts anew.
        """
        loads = list(self._loads)
        if not loads or loads[-1][0] - loads[0][0] < seconds - INTERVAL:
            return None
        recent = [load for taken, load in loads if taken > loads[-1][0] - seconds]
        has_gap = any(later[0] - earlier[0] > 3 * INTERVAL for earlier, later in pairwise(loads))
        return None if has_gap else min(recent)


def _between(earlier: Vitals, later: Vitals) -> Sample:
    elapsed = later.taken - earlier.taken
    before, now = earlier.cpu, later.cpu
    if before is None or now is None or elapsed <= 0:
        return Sample(later, None, {})
    capacity = elapsed * now.available
    # A limit that has come or gone in between makes the two incomparable.
    is_same = before.scope == now.scope
    cpu = _share(now.busy - before.busy, capacity) if is_same else None
    if earlier.process is None or later.process is None:
        return Sample(later, cpu, {})
    spent = {mode: seconds - earlier.process.cpu.get(mode, 0.0) for mode, seconds in later.process.cpu.items()}
    return Sample(later, cpu, {mode: _share(seconds, capacity) for mode, seconds in spent.items()})


def _share(used: float, capacity: float) -> float:
    # Clocks and counters have grains of their own: 1.004 is 1.
    return min(1.0, max(0.0, used / capacity))
