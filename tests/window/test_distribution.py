"""Merged exponential histograms against the exact answer, on generated streams through the SDK's own aggregation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider

from mcp_opentelemetry.window.distribution import EMPTY, Buckets, Distribution, merge
from mcp_opentelemetry.window.reader import WindowReader
from tests.effort import part_of

QUANTILES = (0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0)
# From a nanosecond to eleven days: what a duration can be, and far more.
DURATIONS = st.one_of(st.just(0.0), st.floats(1e-9, 1e6), st.floats(1e-4, 0.5), st.integers(1, 300).map(float))
SLOTS = st.lists(st.lists(DURATIONS, max_size=30), min_size=1, max_size=8)


def of_slots(slots: Iterable[Sequence[float]]) -> list[Distribution]:
    """Return what the reader collects of each slot, one collection after the other."""
    reader = WindowReader()
    provider = MeterProvider(shutdown_on_exit=False)
    reader.attach(provider)
    histogram = provider.get_meter("test").create_histogram("h")
    collected: list[Distribution] = []
    for values in slots:
        for value in values:
            histogram.record(value)
        rows = [row.value for row in reader.collect() if row.metric == "h"]
        collected += [row for row in rows if isinstance(row, Distribution)] or [EMPTY]
    return collected


def nearest_rank(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(max(math.ceil(share * len(values)), 1), len(values)) - 1]


def assert_within_bound(values: Sequence[float], found: Distribution) -> None:
    for share in QUANTILES:
        exact = nearest_rank(values, share)
        # A last place of a float more: the value of a bucket is itself rounded.
        assert abs(found.quantile(share) - exact) <= abs(exact) * (found.bound + 1e-9), share


@settings(max_examples=part_of(2_000))
@given(SLOTS)
def test_merged_slots_tell_what_all_values_together_are(slots: list[list[float]]) -> None:
    values = [value for slot in slots for value in slot]
    found = merge(of_slots(slots))
    assert found.count == len(values)
    if not values:
        assert found is EMPTY
        return
    assert (found.low, found.high) == (min(values), max(values))
    assert math.isclose(found.total, math.fsum(values), rel_tol=1e-9)
    assert math.isclose(found.average, math.fsum(values) / len(values), rel_tol=1e-9)
    assert_within_bound(values, found)


@settings(max_examples=part_of(200))
@given(SLOTS, st.randoms(use_true_random=False))
def test_order_and_grouping_of_merges_do_not_matter(slots: list[list[float]], random: object) -> None:
    parts = of_slots(slots)
    shuffled = parts[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    step_by_step = EMPTY
    for part in shuffled:
        step_by_step = merge([step_by_step, part])
    at_once = merge(parts)
    assert (step_by_step.count, step_by_step.low, step_by_step.high) == (at_once.count, at_once.low, at_once.high)
    assert [step_by_step.quantile(share) for share in QUANTILES] == [at_once.quantile(share) for share in QUANTILES]


def test_slot_of_zeros_does_not_make_the_window_coarse() -> None:
    # The SDK gives scale 0 to a slot in which everything was 0: there a quantile would be off by a third.
    found = merge(of_slots([[0.010, 0.011, 0.012], [0.0, 0.0]]))
    assert found.bound < 0.01
    assert found.quantile(0.2) == 0.0
    assert found.quantile(0.8) == pytest.approx(0.011, rel=found.bound)


def test_one_outlier_is_forgotten_with_its_slot() -> None:
    first, second = of_slots([[1e-9, 1e6], [0.1, 0.2, 0.3]])
    assert merge([first, second]).bound > 0.02
    assert second.bound < 0.01


@pytest.mark.parametrize(
    ("low", "high", "bound"), [(1e-4, 300.0, 0.0217), (1e-3, 300.0, 0.0217), (1e-3, 10.0, 0.0217), (0.05, 0.5, 0.0055)]
)
def test_bound_is_as_documented(low: float, high: float, bound: float) -> None:
    (found,) = of_slots([[low * (high / low) ** (step / 99) for step in range(100)]])
    assert found.bound <= bound


def test_known_values_have_no_bound() -> None:
    assert of_slots([[0.25, 0.25]])[0].bound == 0.0
    assert of_slots([[0.25, 0.25]])[0].quantile(0.95) == 0.25
    assert of_slots([[0.0]])[0].bound == 0.0
    assert (EMPTY.bound, EMPTY.average, EMPTY.quantile(0.5)) == (0.0, 0.0, 0.0)


def test_buckets_take_eight_bytes_each_plus_little() -> None:
    buckets = Buckets.of_counts(-100, [0, 3, 0, 1])
    assert list(buckets) == [(-99, 3), (-97, 1)]
    assert not Buckets.of_counts(0, [0, 0])
