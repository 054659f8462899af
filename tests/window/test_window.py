"""The window over a real reader: visible at once, one collection for many, bounded, and right over gaps."""

from __future__ import annotations

import gc
import logging
import math
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider

from mcp_opentelemetry.window import window as module
from mcp_opentelemetry.window.history import History
from mcp_opentelemetry.window.reader import Row, WindowReader
from mcp_opentelemetry.window.window import Window
from tests.waiting import DEADLINE

A = frozenset({("tool", "a")})


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Measured:
    """A meter, and a window over what it measures."""

    def __init__(self) -> None:
        self.reader = WindowReader()
        provider = MeterProvider(shutdown_on_exit=False)
        self.reader.attach(provider)
        self.meter = provider.get_meter("test")
        self.clock = Clock()
        self.window = Window(self.reader.collect, self.clock)
        self.collections = 0

    def collect(self) -> list[Row]:
        self.collections += 1
        return self.reader.collect()

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.window.keep_up()


@pytest.fixture
def measured() -> Measured:
    return Measured()


def test_call_is_visible_in_the_next_query(measured: Measured) -> None:
    durations, calls = measured.meter.create_histogram("h"), measured.meter.create_counter("c")
    for _ in range(3):
        durations.record(0.5, {"tool": "a"})
        calls.add(2, {"tool": "a"})
        measured.window.collect()
    assert measured.window.recent("h")[A].count == 3
    assert measured.window.increases("c") == {A: 6.0}
    assert measured.window.tracks("c")[A].last == 6.0


def test_five_minutes_pass_by(measured: Measured) -> None:
    durations, calls = measured.meter.create_histogram("h"), measured.meter.create_counter("c")
    durations.record(9.0, {"tool": "a"})
    calls.add(1, {"tool": "a"})
    for _ in range(320):
        measured.pass_time(1)
    durations.record(1.0, {"tool": "a"})
    measured.window.collect()
    assert measured.window.recent("h")[A].high == 1.0
    assert measured.window.increases("c") == {A: 0.0}
    assert measured.window.histograms("h")[A].count.last == 2.0


def test_idle_series_are_not_listed(measured: Measured) -> None:
    durations = measured.meter.create_histogram("h")
    durations.record(9.0, {"tool": "a"})
    measured.window.collect()
    assert list(measured.window.recent("h")) == [A]
    measured.pass_time(1_000)
    assert measured.window.recent("h") == {}
    assert list(measured.window.histograms("h")) == [A]


@pytest.mark.parametrize("gap", [11.0, 3_600.0, 10 * 86_400.0])
def test_what_came_in_before_a_gap_is_counted_before_it(measured: Measured, gap: float) -> None:
    calls = measured.meter.create_counter("c")
    calls.add(5)
    measured.pass_time(gap)  # suspended: nobody has collected meanwhile
    calls.add(1)
    measured.window.collect()
    assert measured.window.increases("c", 300) == {frozenset(): 6.0 if gap < 300 else 1.0}
    assert measured.window.tracks("c")[frozenset()].last == 6.0


def test_each_slot_is_closed_once(measured: Measured) -> None:
    closed: list[float] = []
    measured.window.on_close(lambda: closed.append(measured.window.now()))
    for _ in range(45):
        measured.pass_time(1)
        measured.window.collect()
    assert closed == [10.0, 20.0, 30.0, 40.0]


def test_failing_listener_stops_nobody(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    from mcp_opentelemetry import guard

    monkeypatch.setattr(guard, "reraise", False)
    closed: list[int] = []

    def fail() -> None:
        raise RuntimeError

    measured.window.on_close(fail)
    measured.window.on_close(lambda: closed.append(1))
    measured.pass_time(10)
    assert closed == [1]


def test_callers_who_ask_at_once_share_a_collection() -> None:
    running, go = Event(), Event()
    collections = 0

    def collect() -> list[Row]:
        nonlocal collections
        collections += 1
        running.set()
        assert go.wait(DEADLINE)
        return []

    clock = Clock()

    def ticking() -> float:
        clock.now += 1e-6
        return clock.now

    window = Window(collect, ticking)
    first = Thread(target=window.collect)
    first.start()
    assert running.wait(DEADLINE)
    barrier = Barrier(9)

    def ask() -> None:
        barrier.wait(DEADLINE)
        window.collect()

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask) for _ in range(8)]
        barrier.wait(DEADLINE)
        go.set()
        for future in asked:
            future.result(DEADLINE)
    first.join(DEADLINE)
    # The first began before they asked; one of them collected for those who had asked by then.
    assert 2 <= collections <= 9


def test_gauges_and_older_counters_are_taken_as_they_are(measured: Measured) -> None:
    seconds = iter([100.0, 101.0, 103.0])
    measured.meter.create_observable_gauge("g", [lambda _: [Observation(0.5)]])
    measured.meter.create_observable_counter("process.cpu.time", [lambda _: [Observation(next(seconds))]])
    for _ in range(3):
        measured.window.collect()
    assert measured.window.tracks("g")[frozenset()].last == 0.5
    assert measured.window.increases("process.cpu.time") == {frozenset(): 3.0}


def test_series_beyond_the_limit_are_left_out_with_one_warning(
    measured: Measured, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_MOST_SERIES", 10)
    calls = measured.meter.create_counter("c")
    for number in range(30):
        calls.add(1, {"tool": str(number)})
    with caplog.at_level(logging.WARNING):
        measured.window.collect()
        measured.window.collect()
    assert len(measured.window.tracks("c")) == 10
    assert len([record for record in caplog.records if "series" in record.message]) == 1


def test_memory_is_flat_once_the_window_is_full(measured: Measured) -> None:
    durations, calls = measured.meter.create_histogram("h"), measured.meter.create_counter("c")

    def ten_minutes() -> None:
        for second in range(0, 600, 10):
            for tool in range(10):
                for step in range(5):
                    durations.record(0.001 * 1.5 ** ((second + step) % 25), {"tool": str(tool)})
                    calls.add(1, {"tool": str(tool)})
            measured.pass_time(10)

    ten_minutes()
    tracemalloc.start()
    try:
        ten_minutes()
        gc.collect()  # whether a collection falls into the ten minutes is chance
        before, _ = tracemalloc.get_traced_memory()
        ten_minutes()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000  # bytes


def test_history_has_a_point_for_each_slot(measured: Measured) -> None:
    calls = measured.meter.create_counter("mcp.requests")
    durations = measured.meter.create_histogram("mcp.server.operation.duration")
    history = History(measured.window, lambda: 0.25, lambda: None)
    for slot in range(3):
        for _ in range(slot):
            calls.add(1, {"tool": "a", "status": "success"})
            calls.add(1, {"tool": "a", "status": "error"})
            durations.record(0.1 * slot, {"mcp.method.name": "tools/call"})
            durations.record(50, {"mcp.method.name": "tools/list"})
        measured.pass_time(10)
    columns = history.columns()
    assert columns["calls"] == [0, 2, 4]
    assert columns["errors"] == [0, 1, 2]
    assert columns["p95"] == [None, pytest.approx(0.1), pytest.approx(0.2)]
    assert columns["memory"] == [0.25] * 3
    assert columns["lag"] == [None] * 3
    assert history.columns(since=math.inf)["time"] == []


def test_window_is_read_while_it_is_filled(measured: Measured) -> None:
    durations = measured.meter.create_histogram("h")
    is_over = Event()

    def record() -> None:
        while not is_over.is_set():
            durations.record(0.1, {"tool": "a"})

    writer = Thread(target=record)
    writer.start()
    try:
        counts = [measured.window.collect() or _count(measured.window) for _ in range(50)]
    finally:
        is_over.set()
        writer.join(DEADLINE)
    assert counts == sorted(counts)


def _count(window: Window) -> float:
    return window.recent("h").get(A).count if window.recent("h") else 0  # type: ignore[union-attr]


Make = Callable[[], Measured]
