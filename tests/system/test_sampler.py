"""The sampler, fed with invented readings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.system.sampler import INTERVAL, Sample, Sampler
from mcp_opentelemetry.system.vitals import Vitals
from tests.system.invented import PROCESS, vitals

times = st.floats(-1e9, 1e9)


def sampled(readings: Iterable[Vitals]) -> Sampler:
    """Return a sampler that has taken these readings, the first two of them at once."""
    readings = list(readings)
    source = iter(readings)
    sampler = Sampler(lambda: next(source))
    for _ in readings[1:]:
        sampler.sample()
    return sampler


def at_load(load: Callable[[float], float], moments: Iterable[float]) -> list[Vitals]:
    """Return readings at some moments; `load` says how busy the machine was up to each."""
    busy, last, readings = 0.0, 0.0, list[Vitals]()
    for moment in moments:
        busy += load(moment) * 2.0 * (moment - last)
        last = moment
        readings.append(vitals(moment, busy))
    return readings


def every_five_seconds(until: float) -> list[float]:
    return [0.0, *(0.2 + INTERVAL * number for number in range(int(until / INTERVAL) + 1))]


def test_nothing_is_known_before_the_first_sample() -> None:
    sampler = Sampler(lambda: vitals(0))
    assert sampler.last is None
    assert sampler.wait(0) is None
    assert sampler.lowest_cpu(0) is None


def test_first_sample_takes_two_readings_and_each_further_one_one() -> None:
    readings = [vitals(0.0, 0.0), vitals(1.0, 1.0), vitals(2.0, 3.0)]
    source = iter(readings)
    sampler = Sampler(lambda: next(source))
    sampler.sample()
    assert sampler.last is not None
    assert (sampler.last.vitals, sampler.last.cpu) == (readings[1], 0.5)
    sampler.sample()
    assert (sampler.last.vitals, sampler.last.cpu) == (readings[2], 1.0)


def test_who_waits_gets_the_first_sample() -> None:
    sampler = Sampler(iter([vitals(0.0), vitals(1.0, 1.0)]).__next__)
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(sampler.wait, 30) for _ in range(3)]
        sampler.sample()
        assert {id(future.result()) for future in waiting} == {id(sampler.last)}


def test_readers_change_nothing() -> None:
    sampler = sampled(at_load(lambda _: 0.25, every_five_seconds(60)))
    seen = {(sampler.last, sampler.wait(1), sampler.lowest_cpu(60)).__repr__() for _ in range(10)}
    assert len(seen) == 1


@pytest.mark.parametrize(("available", "share"), [(2.0, 0.25), (0.5, 1.0), (8.0, 0.0625)])
def test_shares_are_of_the_available_processors(available: float, share: float) -> None:
    later = dataclasses.replace(PROCESS, cpu={"user": 3.1, "system": 1.1})
    sampler = sampled([vitals(0, 0, available), vitals(1, 0.5, available, process=later)])
    assert sampler.last is not None
    assert sampler.last.cpu == pytest.approx(share)
    assert sampler.last.process_cpu == pytest.approx({"user": 0.1 / available, "system": 0.1 / available})


def test_share_is_unknown_across_a_change_of_scope() -> None:
    sampler = sampled([vitals(0, 5000.0), vitals(1, 3.0, 0.5, "cgroup")])
    assert sampler.last is not None
    assert sampler.last.cpu is None
    assert sampler.last.vitals.memory is not None


def test_share_is_unknown_where_no_time_has_passed_or_nothing_could_be_read() -> None:
    for pair in (
        [vitals(5), vitals(5, 1)],
        [vitals(5), vitals(4, 1)],
        [vitals(0, cpu=None), vitals(1)],
        [vitals(0), vitals(1, cpu=None)],
    ):
        sampler = sampled(pair)
        assert sampler.last == Sample(pair[1], None, {})
        assert sampler.lowest_cpu(60) is None


def test_share_of_the_machine_is_known_without_the_process() -> None:
    assert sampled([vitals(0, process=None), vitals(1, 1)]).last == Sample(vitals(1, 1), 0.5, {})


@given(times, times, times, times, st.floats(1e-6, 1e4))
def test_shares_stay_between_0_and_1_whatever_counters_do(
    start: float, end: float, busy: float, busy_later: float, available: float
) -> None:
    source = iter([vitals(start, busy, available), vitals(end, busy_later, available)])
    sampler = Sampler(source.__next__)
    sampler._previous = next(source)  # the wait for the first two is not what this is about
    sampler.sample()
    assert sampler.last is not None
    assert sampler.last.cpu is None or 0 <= sampler.last.cpu <= 1
    assert all(0 <= share <= 1 for share in sampler.last.process_cpu.values())


def test_load_is_sustained_only_after_it_has_been_watched_for_that_long() -> None:
    moments = every_five_seconds(90)
    for number in range(2, len(moments) + 1):
        lowest = sampled(at_load(lambda _: 1.0, moments[:number])).lowest_cpu(60)
        watched = moments[number - 1] - moments[1]
        assert (lowest is None) == (watched < 60 - INTERVAL), watched
        assert lowest is None or lowest == pytest.approx(1.0)


def test_one_calm_moment_within_the_time_counts_and_an_earlier_one_does_not() -> None:
    def calm_at(calm: float) -> float | None:
        return sampled(at_load(lambda at: 0.1 if at == calm else 1.0, every_five_seconds(90))).lowest_cpu(60)

    assert calm_at(50.2) == pytest.approx(0.1)
    assert calm_at(35.2) == pytest.approx(0.1)
    assert calm_at(30.2) == pytest.approx(1.0)
    assert calm_at(5.2) == pytest.approx(1.0)


@pytest.mark.parametrize("gap", [20.0, 50.0, 500.0])
def test_suspended_process_starts_anew(gap: float) -> None:
    before = every_five_seconds(70)
    asleep = [*before, *(before[-1] + gap + INTERVAL * number for number in range(3))]
    assert sampled(at_load(lambda _: 1.0, before)).lowest_cpu(60) == pytest.approx(1.0)
    assert sampled(at_load(lambda _: 1.0, asleep)).lowest_cpu(60) is None
    awake = [*asleep, *(asleep[-1] + INTERVAL * number for number in range(1, 15))]
    assert sampled(at_load(lambda _: 1.0, awake)).lowest_cpu(60) == pytest.approx(1.0)


def test_memory_of_loads_is_bounded() -> None:
    sampler = sampled(at_load(lambda _: 0.5, every_five_seconds(1000)))
    assert len(sampler._loads) <= 60 / INTERVAL + 2


def test_reading_that_fails_leaves_the_last_sample() -> None:
    readings = iter([vitals(0), vitals(1, 1)])
    sampler = Sampler(readings.__next__)
    sampler.sample()
    last = sampler.last
    with pytest.raises(StopIteration):
        sampler.sample()
    assert sampler.last is last
