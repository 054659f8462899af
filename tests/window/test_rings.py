"""Slots of time: what was in which, over gaps, and for how long it is kept."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_opentelemetry.window.distribution import Buckets, Distribution
from mcp_opentelemetry.window.rings import FINE, GRIDS, Grid, HistogramTrack, Ring, Track
from tests.effort import part_of

SMALL = Grid(10.0, 3)
STEPS = st.lists(st.tuples(st.floats(0.1, 90), st.integers(0, 5)), min_size=1, max_size=60)


def one(value: float) -> Distribution:
    return Distribution(1, value, value, value, 0, 0, Buckets.of_counts(math.frexp(value)[1] - 1, [1]))


def test_ring_keeps_so_many_slots_and_knows_where_nothing_was_collected() -> None:
    ring = Ring(SMALL)
    for slot, value in ((0, 1.0), (1, 2.0), (4, 5.0)):
        ring.put(slot, value)
    assert [ring.get(slot) for slot in (1, 4)] == [2.0, 5.0]
    assert all(math.isnan(ring.get(slot)) for slot in (-1, 2, 3, 5))
    assert list(ring.known(0, 9)) == [(0, 1.0), (1, 2.0), (4, 5.0)]
    ring.put(100, 7.0)
    assert list(ring.known(0, 100)) == [(100, 7.0)]


@settings(max_examples=part_of(300))
@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 9)), max_size=40))
def test_ring_is_a_mapping_of_the_newest_slots(steps: list[tuple[int, float]]) -> None:
    ring, all_of_it, slot = Ring(SMALL), {}, 0
    for step, value in steps:
        slot += step
        ring.put(slot, value)
        all_of_it[slot] = value
    newest = {number: value for number, value in all_of_it.items() if number > slot - (SMALL.kept + 2)}
    assert dict(ring.known(-5, slot + 5)) == newest


def test_counter_is_counted_from_zero_in_a_young_window() -> None:
    track = Track(0.0)
    track.put(3.0, 5.0)
    assert track.increase(3.0, 300) == 5.0
    assert track.last == 5.0


def test_what_is_older_than_the_window_counts_from_its_first_value() -> None:
    track = Track()
    assert track.increase(1.0, 300) == 0.0
    track.put(3.0, 1_000.0)
    track.put(13.0, 1_004.0)
    assert track.increase(13.0, 300) == 4.0


def test_increase_covers_what_was_asked_and_up_to_one_slot_more() -> None:
    track = Track(0.0)
    for slot in range(60):
        track.put(slot * 10 + 9.9, float(slot + 1))  # one a slot
    assert track.increase(599.9, 300) == 31.0
    assert track.increase(599.9, 60) == 7.0


def test_coarser_grids_reach_hours_back() -> None:
    track = Track(0.0)
    for minute in range(400):
        track.put(minute * 60 + 59.0, float(minute + 1))
    now = 400 * 60 - 1.0
    assert track.increase(now, 3600) == 61.0
    assert track.increase(now, 6 * 3600) == 365.0
    assert GRIDS[-1].reach == 6 * 3600


def test_suspended_process_loses_nothing_and_invents_nothing() -> None:
    track = Track(0.0)
    track.put(9.0, 10.0)
    track.put(1_009.0, 12.0)  # what came in during the gap, or just after it
    assert track.increase(1_009.0, 300) == 2.0
    assert track.increase(1_009.0, 3600) == 12.0
    track.put(1_019.0, 12.0)
    assert track.increase(1_319.0, 300) <= 2.0


@settings(max_examples=part_of(300))
@given(
    st.lists(st.tuples(st.floats(0.1, 90), st.integers(0, 5)), min_size=1, max_size=60), st.sampled_from([10, 60, 300])
)
def test_increase_is_never_less_than_what_happened_nor_more_than_all(
    steps: list[tuple[float, int]], seconds: float
) -> None:
    track, now, total, events = Track(0.0), 0.0, 0, []
    for step, count in steps:
        now += step
        total += count
        events.append((now, count))
        track.put(now, float(total))
    found = track.increase(now, seconds)
    # An event is known when it is collected; between two collections nobody knows when it was.
    happened = sum(count for when, count in events if when > now - seconds)
    assert happened <= found <= total


def test_histogram_forgets_after_five_minutes_but_not_its_totals() -> None:
    track = HistogramTrack()
    for slot in range(100):
        track.add(slot * 10 + 5.0, one(2.0**slot if slot < 50 else 1.5))
    recent = track.recent(995.0, 300)
    assert recent.count == 31
    assert recent.high == 1.5
    assert track.count.last == 100.0
    assert len(track._slots) <= FINE.kept + 1
    assert track.recent(995.0 + 10_000, 300).count == 0


def test_open_slot_is_visible_at_once_and_again() -> None:
    track = HistogramTrack()
    track.add(1.0, one(1.0))
    assert track.recent(1.0, 300).count == 1
    track.add(2.0, one(4.0))
    assert track.recent(2.0, 300).high == 4.0
    assert track.recent(12.0, 300).count == 2
