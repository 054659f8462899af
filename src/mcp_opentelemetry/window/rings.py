"""Slots of time, fine and coarse, and what one series was in each of them."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.window.distribution import EMPTY, Distribution, merge

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Grid:
    """A division of time into slots of equal length, of which the last so many are kept, besides the open one.

    Args:
        slot: seconds.
        kept: how many slots.
    """

    slot: float
    kept: int

    @property
    def reach(self) -> float:
        """How far back the closed slots go, in seconds."""
        return self.slot * self.kept

    def number(self, when: float) -> int:
        """Return the number of the slot that a moment is in, which is given in seconds since the window was opened."""
        return int(when // self.slot)


FINE: Final = Grid(10.0, 30)
GRIDS: Final = (FINE, Grid(60.0, 60), Grid(300.0, 72))
"""Five minutes by ten seconds, an hour by the minute, six hours by five minutes."""


class Ring:
    """One number for each slot of a grid, the last of the slot; not a number where nothing was collected.

    Args:
        grid: which slots.
    """

    __slots__ = ("_newest", "_values", "gone")

    gone: float
    """The newest of the numbers that are no longer kept; not a number while all are."""

    def __init__(self, grid: Grid) -> None:
        # One more than the open slot and those kept: an increase starts at the end of the slot before.
        self._values = array("d", [math.nan]) * (grid.kept + 2)
        self._newest: int | None = None
        self.gone = math.nan

    def put(self, slot: int, value: float) -> None:
        """Set the number of a slot, which is the newest so far or a newer one."""
        size = len(self._values)
        if self._newest is not None:
            for _, leaving in self.known(self._newest - size + 1, min(self._newest, slot - size)):
                self.gone = leaving
            for skipped in range(max(self._newest, slot - size) + 1, slot):
                self._values[skipped % size] = math.nan
        self._values[slot % size] = value
        self._newest = slot

    def get(self, slot: int) -> float:
        """Return the number of a slot; not a number if it has none, or is no longer kept."""
        size = len(self._values)
        if self._newest is None or not self._newest - size < slot <= self._newest:
            return math.nan
        return self._values[slot % size]

    def known(self, first: int, last: int) -> Iterator[tuple[int, float]]:
        """Return slots and their numbers, from the first to the last, without those that have none."""
        for slot in range(first, last + 1):
            value = self.get(slot)
            if not math.isnan(value):
                yield slot, value


class Track:
    """The values of one series over time, on every grid.

    Args:
        start: the value before the series was first seen: 0 of what is counted here, unknown of everything else.
    """

    __slots__ = ("born", "last", "rings", "start", "updated")

    def __init__(self, start: float = math.nan) -> None:
        self.updated = -math.inf
        self.start = start
        self.last = start
        self.born: float | None = None
        self.rings = {grid: Ring(grid) for grid in GRIDS}

    def put(self, when: float, value: float) -> None:
        """Set the value at a moment, which is not before any earlier one."""
        if self.born is None:
            self.born = when
            self.start = value if math.isnan(self.start) else self.start
        self.last, self.updated = value, when
        for grid, ring in self.rings.items():
            ring.put(grid.number(when), value)

    def increase(self, now: float, seconds: float) -> float:
        """Return how much the value has grown in the last seconds, and in up to one slot more.

        Args:
            now: seconds since the window was opened.
            seconds: how long; the finest grid that reaches so far is used.
        """
        grid = next((grid for grid in GRIDS if seconds <= grid.reach), GRIDS[-1])
        before = self._at_end_of(grid, grid.number(now) - math.ceil(seconds / grid.slot) - 1)
        return max(0.0, self.last - before) if self.born is not None else 0.0

    def _at_end_of(self, grid: Grid, slot: int) -> float:
        if self.born is None or grid.number(self.born) > slot:
            return self.start
        ring = self.rings[grid]
        if not math.isnan(value := ring.get(slot)):
            return value
        # Nothing was collected then: what came in is in the next slot that has a value, so the one before it holds.
        earlier = [value for _, value in ring.known(slot - grid.kept, slot)]
        return earlier[-1] if earlier else ring.gone


class HistogramTrack:
    """The values that one histogram series was given, slot by slot, and their count and sum since the start.

    `last` is the moment up to which the last of them came in.
    """

    __slots__ = ("_closed", "_closed_of", "_slots", "count", "last", "total")

    def __init__(self) -> None:
        self.count = Track(0.0)
        self.total = Track(0.0)
        self.last = 0.0
        self._slots: dict[int, Distribution] = {}
        self._closed: Distribution = EMPTY
        self._closed_of: tuple[int, int] | None = None

    def add(self, when: float, values: Distribution) -> None:
        """Add what has come in up to a moment."""
        self.last = when
        self.count.put(when, self.count.last + values.count)
        self.total.put(when, self.total.last + values.total)
        slot = FINE.number(when)
        self._slots[slot] = merge([self._slots.get(slot, EMPTY), values])
        self._forget_before(slot - FINE.kept)

    def recent(self, now: float, seconds: float) -> Distribution:
        """Return the values of the last seconds, up to `FINE.reach`, and of up to one slot more.

        Args:
            now: seconds since the window was opened.
            seconds: how long.
        """
        opened = FINE.number(now)
        first = opened - min(math.ceil(seconds / FINE.slot), FINE.kept)
        if self._closed_of != (first, opened):
            self._closed = merge(values for slot, values in self._slots.items() if first <= slot < opened)
            self._closed_of = (first, opened)
        return merge([self._closed, self._slots.get(opened, EMPTY)])

    def slots(self) -> list[tuple[int, Distribution]]:
        """Return the slots that are kept, with what came in, the oldest first."""
        return sorted(self._slots.items())

    def _forget_before(self, slot: int) -> None:
        for old in [number for number in self._slots if number < slot]:
            del self._slots[old]
