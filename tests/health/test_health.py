"""All checks together, with checks that hang, raise, block and return nonsense."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from mcp_opentelemetry.health import checks
from mcp_opentelemetry.health.checks import registered, remove_health_check
from mcp_opentelemetry.health.health import Health
from mcp_opentelemetry.health.instruments import observe_health
from mcp_opentelemetry.health.run import Run
from mcp_opentelemetry.health.state import CheckState
from mcp_opentelemetry.health.verdict import HEALTHY, Status, Verdict
from tests.telemetry import Telemetry
from tests.waiting import DEADLINE, eventually, eventually_async

pytestmark = pytest.mark.usefixtures("no_checks")

LONG = 60.0  # seconds that nobody waits for
# By default a check has a second: on a busy machine one that is well would look as if it hung.
health_check = partial(checks.health_check, timeout=LONG)


def on_this_loop() -> Health:
    """Return health whose async checks run on the running loop."""
    loop = asyncio.get_running_loop()
    return Health({}, lambda: loop)


def on_no_loop() -> Health:
    return Health({}, lambda: None)


def look(health: Health, name: str, is_enough: Callable[[CheckState], object]) -> CheckState:
    """Refresh until there is enough of one check, in another thread than the loop's."""
    found: list[CheckState] = []

    def is_so() -> bool:
        health.refresh()
        found[:] = [state for state in health.states() if state.name == name]
        return bool(found and is_enough(found[0]))

    eventually(is_so)
    return found[0]


async def look_async(health: Health, name: str, is_enough: Callable[[CheckState], object]) -> CheckState:
    found: list[CheckState] = []

    def is_so() -> bool:
        health.refresh()
        found[:] = [state for state in health.states() if state.name == name]
        return bool(found and is_enough(found[0]))

    await eventually_async(is_so)
    return found[0]


def has_result(state: CheckState) -> bool:
    return state.verdict is not None


def test_sync_check_runs_in_a_thread_and_async_check_on_the_loop_that_serves() -> None:
    threads: dict[str, int] = {}

    @health_check("sync")
    def _sync() -> None:
        threads["sync"] = threading.get_ident()

    @health_check("async")
    async def _async() -> None:
        threads["async"] = threading.get_ident()

    @health_check("returns an awaitable")
    def _awaitable() -> Any:
        return _async()

    async def main() -> None:
        health = on_this_loop()
        await health.settled(DEADLINE)
        assert {state.name: state.status for state in health.states()} == dict.fromkeys(
            ["sync", "async", "returns an awaitable"], Status.HEALTHY
        )

    asyncio.run(main())
    assert threads["async"] == threading.get_ident()
    assert threads["sync"] != threading.get_ident()


def test_async_check_gets_a_loop_of_its_own_where_none_serves() -> None:
    @health_check("async")
    async def _async() -> str:
        await asyncio.sleep(0)
        return "degraded"

    state = look(on_no_loop(), "async", has_result)
    assert (state.status, state.verdict) == (Status.DEGRADED, Verdict(Status.DEGRADED, "returned degraded"))


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
@pytest.mark.parametrize("is_async", [True, False])
def test_whatever_a_check_raises_is_its_failure_and_nobody_elses(
    error: BaseException, is_async: bool, critical: bool
) -> None:
    def fail() -> None:
        raise error

    async def fail_async() -> None:
        raise error

    health_check("broken", critical=critical)(fail_async if is_async else fail)
    health_check("fine")(lambda: None)

    async def main() -> Health:
        health = on_this_loop()
        await health.settled(DEADLINE)
        await asyncio.sleep(0)  # the loop goes on
        return health

    health = asyncio.run(main())
    broken, fine = health.states()
    assert (broken.verdict and broken.verdict.error, fine.status) == (type(error).__name__, Status.HEALTHY)
    assert health.status() is broken.status is (Status.UNHEALTHY if critical else Status.DEGRADED)
    assert health.failing_critical() == (["broken"] if critical else [])


def test_nonsense_is_a_failure() -> None:
    health_check("nonsense")(lambda: object())  # noqa: PLW0108 (something else each time)
    assert look(on_no_loop(), "nonsense", has_result).status is Status.DEGRADED


async def _hang() -> None:
    await asyncio.Event().wait()


def test_sync_check_that_hangs_for_ever_is_started_once_and_fails_again_and_again(release: threading.Event) -> None:
    started: list[float] = []

    @health_check("hung", timeout=0.01, ttl=0)
    def _hung() -> None:
        started.append(time.monotonic())
        release.wait(DEADLINE)

    health = on_no_loop()
    state = look(health, "hung", lambda state: state.consecutive_failures >= 3)
    assert state.verdict == Verdict(Status.DEGRADED, "timeout")
    assert state.is_stuck
    assert state.run is not None
    assert state.run.seconds() > 0.01
    assert len(started) == 1
    # Nobody waits for it any more.
    assert health.refresh() == []


def test_late_result_of_a_stuck_run_is_dropped_and_the_next_run_counts(release: threading.Event) -> None:
    results: list[object] = []

    @health_check("late", ttl=LONG)
    def _late() -> None:
        results.append(None)
        if len(results) == 1:
            release.wait(DEADLINE)

    health = on_no_loop()
    (run,) = health.refresh()
    run.timeout = 0.0  # of this run alone: the next one has all the time
    state = look(health, "late", lambda state: state.is_stuck)
    release.set()
    state = look(health, "late", lambda state: not state.is_stuck)
    assert state.verdict == Verdict(Status.DEGRADED, "timeout")
    assert len(results) == 1
    state._checked = -LONG * 1000  # its time is over
    assert look(health, "late", lambda state: state.status is Status.HEALTHY).consecutive_failures == 0
    assert len(results) == 2


def test_result_that_comes_after_its_time_is_a_timeout_even_if_nobody_has_looked() -> None:
    def take_longer() -> None:
        start = time.monotonic()
        eventually(lambda: time.monotonic() - start > 0.02)

    check = health_check("slow", timeout=0.01, ttl=LONG)(take_longer)
    health = on_no_loop()
    (run,) = health.refresh()
    assert run.check.function is check
    run.ended.result(DEADLINE)
    health.refresh()
    (state,) = health.states()
    assert state.verdict == Verdict(Status.DEGRADED, "timeout")
    assert not state.is_stuck


def test_async_check_that_hangs_is_cancelled_and_then_runs_again() -> None:
    started: list[None] = []

    @health_check("hung", timeout=0.01, ttl=0)
    async def _hung() -> None:
        started.append(None)
        await _hang()

    async def main() -> None:
        state = await look_async(on_this_loop(), "hung", lambda _: len(started) >= 2)
        assert state.status is Status.DEGRADED
        assert state.consecutive_failures >= 1

    asyncio.run(main())


def test_async_check_that_ignores_cancellation_is_never_started_twice_at_a_time() -> None:
    running, most, refusals = 0, 0, 0

    async def main() -> None:
        may_end = asyncio.Event()

        @health_check("stubborn", timeout=0.01, ttl=0)
        async def _stubborn() -> None:
            nonlocal running, most, refusals
            running += 1
            most = max(most, running)
            try:
                while not may_end.is_set():
                    try:
                        await may_end.wait()
                    except asyncio.CancelledError:
                        refusals += 1
            finally:
                running -= 1

        health = on_this_loop()
        state = await look_async(health, "stubborn", lambda state: state.consecutive_failures >= 5)
        assert state.is_stuck
        await eventually_async(lambda: refusals)
        assert (running, most) == (1, 1)
        may_end.set()
        await eventually_async(lambda: not running)
        assert (await look_async(health, "stubborn", lambda state: state.status is Status.HEALTHY)) is not None
        assert most == 1
        remove_health_check("stubborn")

    asyncio.run(main())


def test_check_that_blocks_the_loop_times_out_in_the_eyes_of_others(release: threading.Event) -> None:
    is_blocked = threading.Event()

    @health_check("blocks", timeout=0.01)
    async def _blocks() -> None:
        is_blocked.set()
        release.wait(DEADLINE)

    async def main() -> None:
        health = on_this_loop()

        def watch() -> tuple[Status, int]:
            try:
                health.refresh()
                assert is_blocked.wait(DEADLINE)
                state = look(health, "blocks", lambda state: state.consecutive_failures >= 2)
                return state.status, state.consecutive_failures
            finally:
                release.set()

        with ThreadPoolExecutor() as threads:
            status, failures = await asyncio.wrap_future(threads.submit(watch))
        assert status is Status.DEGRADED
        assert failures >= 2

    asyncio.run(main())


def test_run_on_a_loop_that_is_closed_ends_as_a_failure() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    check = _registered(_hang)
    run = Run(check, loop)
    run.ended.result(DEADLINE)
    assert run.verdict() == Verdict(Status.DEGRADED, "CancelledError")


def test_run_whose_loop_ends_is_over() -> None:
    check = _registered(_hang)

    async def main() -> Run:
        is_started = asyncio.Event()
        asyncio.get_running_loop().call_soon(is_started.set)
        run = Run(check, asyncio.get_running_loop())
        await eventually_async(lambda: run._task)
        return run

    run = asyncio.run(main())
    run.ended.result(DEADLINE)
    assert run.verdict().status is Status.DEGRADED
    run.give_up()


def _registered(function: Callable[[], Any]) -> Any:
    health_check("check", ttl=LONG)(function)
    return registered()[0]


def test_200_probes_at_once_run_each_check_once(release: threading.Event) -> None:
    counts = {"sync": 0, "async": 0, "no ttl": 0}

    async def main() -> None:
        may_end = asyncio.Event()

        @health_check("sync")
        def _sync() -> None:
            counts["sync"] += 1
            release.wait(DEADLINE)

        @health_check("async")
        async def _async() -> None:
            counts["async"] += 1
            await may_end.wait()

        @health_check("no ttl", ttl=0)
        async def _no_ttl() -> None:
            counts["no ttl"] += 1
            await may_end.wait()

        health = on_this_loop()
        probes = [asyncio.ensure_future(health.settled(DEADLINE)) for _ in range(200)]
        await eventually_async(lambda: all(counts.values()))
        assert not any(probe.done() for probe in probes)
        may_end.set()
        release.set()
        await asyncio.gather(*probes)
        assert health.status() is Status.HEALTHY

    asyncio.run(main())
    assert counts == {"sync": 1, "async": 1, "no ttl": 1}


def test_result_is_good_for_its_ttl_and_a_check_without_one_runs_once_for_each_probe() -> None:
    counts = {"kept": 0, "fresh": 0}

    def count(name: str) -> None:
        counts[name] += 1

    health_check("kept", ttl=LONG)(lambda: count("kept"))
    health_check("fresh", ttl=0)(lambda: count("fresh"))

    async def main() -> None:
        health = on_this_loop()
        for _ in range(5):
            await health.settled(DEADLINE)

    asyncio.run(main())
    assert counts == {"kept": 1, "fresh": 5}


def test_checks_run_seldom_when_nobody_asks() -> None:
    count: list[None] = []
    health_check("fresh", ttl=0)(lambda: count.append(None))
    health = on_no_loop()
    for run in health.refresh(unasked=True):
        run.ended.result(DEADLINE)
    for _ in range(5):
        assert health.refresh(unasked=True) == []
    assert len(count) == 1


def test_probe_waits_for_its_patience_only_and_is_told_what_was_known(release: threading.Event) -> None:
    may_hang: list[None] = []

    @health_check("hangs later", ttl=0, timeout=LONG)
    def _hangs_later() -> str:
        if may_hang:
            release.wait(DEADLINE)
        return "degraded"

    async def main() -> None:
        health = on_this_loop()
        await health.settled(DEADLINE)
        may_hang.append(None)
        await asyncio.wait_for(health.settled(0.01), DEADLINE)
        (state,) = health.states()
        assert state.verdict == Verdict(Status.DEGRADED, "returned degraded")
        assert state.run is not None
        release.set()
        state.run.ended.result(DEADLINE)

    asyncio.run(main())


def test_check_that_ends_after_the_loop_of_a_probe_disturbs_nobody(
    release: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    health_check("hangs", timeout=LONG)(lambda: release.wait(DEADLINE) and None)
    health = on_no_loop()
    asyncio.run(health.settled(0.01))
    (run,) = health.refresh()
    assert not run.ended.done()
    release.set()
    run.ended.result(DEADLINE)
    assert caplog.messages == []


def test_probe_that_goes_away_takes_no_run_along(release: threading.Event) -> None:
    health_check("hangs", timeout=LONG)(lambda: release.wait(DEADLINE) and None)

    async def main() -> None:
        health = on_this_loop()
        probe = asyncio.ensure_future(health.settled(DEADLINE))
        await eventually_async(lambda: health.refresh())  # noqa: PLW0108 (asked again and again)
        await asyncio.sleep(0)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        release.set()
        await health.settled(DEADLINE)
        assert health.status() is Status.HEALTHY

    asyncio.run(main())


def test_checks_come_and_go_at_run_time() -> None:
    health = on_no_loop()
    health.refresh()
    assert health.states() == []
    assert health.status() is Status.HEALTHY
    health_check("first", critical=True)(lambda: False)
    look(health, "first", has_result)
    assert health.failing_critical() == ["first"]
    remove_health_check("first")
    health.refresh()
    assert health.states() == []
    assert health.status() is Status.HEALTHY
    health_check("first")(lambda: None)
    assert look(health, "first", has_result).status is Status.HEALTHY


def test_critical_check_without_a_result_fails_and_another_one_is_degraded(release: threading.Event) -> None:
    health_check("hung", critical=True, timeout=LONG)(lambda: release.wait(DEADLINE) and None)
    health_check("hung too", timeout=LONG)(lambda: release.wait(DEADLINE) and None)
    health = on_no_loop()
    health.refresh()
    assert health.failing_critical() == ["hung"]
    assert [state.status for state in health.states()] == [Status.UNHEALTHY, Status.DEGRADED]


def test_built_in_checks_say_what_they_have_to_say_and_are_never_critical() -> None:
    said: dict[str, Verdict | None] = {"memory": None, "disk": Verdict(Status.UNHEALTHY, "above 95%")}
    health = Health({name: (lambda name=name: said[name]) for name in said}, lambda: None)
    health.refresh()
    assert [state.name for state in health.states()] == ["disk"]
    assert health.status() is Status.UNHEALTHY
    assert health.failing_critical() == []
    said.update(memory=HEALTHY, disk=None)
    health.refresh()
    assert [(state.name, state.status) for state in health.states()] == [("memory", Status.HEALTHY)]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[tuple[int, str]]]]:
    with caplog.at_level(logging.INFO, "mcp_opentelemetry.health"):
        yield lambda: [
            (record.levelno, record.getMessage())
            for record in caplog.records
            if record.name == "mcp_opentelemetry.health"
        ]


def test_each_transition_is_logged_once_without_the_message(lines: Callable[[], list[tuple[int, str]]]) -> None:
    errors: list[Exception] = []

    @health_check("database", ttl=0, critical=True)
    def _database() -> None:
        if errors:
            raise errors[0]

    said = {"disk": HEALTHY}
    health = Health({"disk": lambda: said["disk"]}, lambda: None)

    async def look_three_times() -> None:
        for _ in range(3):
            await health.settled(DEADLINE)

    asyncio.run(look_three_times())
    assert lines() == []
    errors.append(ConnectionError("postgres://alice:hunter2@db"))
    said["disk"] = Verdict(Status.UNHEALTHY, "above 95%")
    asyncio.run(look_three_times())
    errors.clear()
    said["disk"] = HEALTHY
    asyncio.run(look_three_times())
    assert sorted(lines(), key=lambda line: "disk" in line[1]) == [
        (logging.WARNING, "health check database: healthy -> unhealthy (ConnectionError)"),
        (logging.INFO, "health check database: unhealthy -> healthy"),
        (logging.WARNING, "health check disk: healthy -> unhealthy (above 95%)"),
        (logging.INFO, "health check disk: unhealthy -> healthy"),
    ]


def test_transition_is_logged_once_though_many_threads_look(lines: Callable[[], list[tuple[int, str]]]) -> None:
    health_check("broken", ttl=LONG)(lambda: False)
    health = on_no_loop()
    with ThreadPoolExecutor(8) as threads:
        for run in threads.submit(health.refresh).result():
            run.ended.result(DEADLINE)
        for future in [threads.submit(health.refresh) for _ in range(50)]:
            future.result()
    assert lines() == [(logging.WARNING, "health check broken: healthy -> degraded (returned False)")]


@pytest.mark.parametrize("is_async", [True, False])
def test_checks_are_no_traffic(is_async: bool) -> None:
    seen: list[bool] = []

    async def check_async() -> None:
        seen.append(is_instrumentation_enabled())

    health_check("check")(check_async if is_async else lambda: seen.append(is_instrumentation_enabled()))

    async def main() -> None:
        await on_this_loop().settled(DEADLINE)
        assert is_instrumentation_enabled()

    asyncio.run(main())
    assert seen == [False]


def test_health_is_shown_as_metrics() -> None:
    health_check("database", critical=True)(lambda: False)
    health_check("cache")(lambda: None)
    health = Health({"disk": lambda: Verdict(Status.DEGRADED, "x"), "memory": lambda: None}, lambda: None)
    telemetry = Telemetry()
    observe_health(health.states, telemetry.meter_provider)
    assert telemetry.values("mcp_health_status") == {}
    look(health, "database", has_result)
    look(health, "cache", has_result)
    assert telemetry.values("mcp_health_status") == {
        frozenset({("check", "database")}): 2,
        frozenset({("check", "cache")}): 0,
        frozenset({("check", "disk")}): 1,
    }
    durations = telemetry.values("mcp_health_check_duration_seconds")
    assert durations.keys() == {frozenset({("check", "database")}), frozenset({("check", "cache")})}
    assert all(0 <= seconds < DEADLINE for seconds in durations.values())
