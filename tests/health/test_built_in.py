"""The checks that come with the package, over invented vitals."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.exports import Exports, Signal
from mcp_opentelemetry.health.built_in import built_in_checks
from mcp_opentelemetry.health.checks import BUILT_IN
from mcp_opentelemetry.health.verdict import Status, Verdict
from mcp_opentelemetry.system.event_loop import EventLoops
from mcp_opentelemetry.system.sampler import INTERVAL, Sample, Sampler
from mcp_opentelemetry.system.vitals import Filesystem, Share, Vitals
from tests.system.invented import PROCESS, vitals
from tests.waiting import DEADLINE, eventually


def look(
    sampler: Sampler | None = None,
    settings: Mapping[str, str] | None = None,
    loops: EventLoops | None = None,
    exports: Exports | None = None,
) -> dict[str, Verdict | None]:
    """Return what each built-in check says; `settings` without their prefix."""
    environ = {f"OTEL_PYTHON_MCP_{name}": value for name, value in (settings or {}).items()}
    parsed = Settings.from_mapping(environ)
    sampler = sampler or Sampler(lambda: vitals(0))
    checks = built_in_checks(lambda: parsed, sampler, loops or EventLoops(), exports or Exports())
    return {name: check() for name, check in checks.items()}


def having(reading: Vitals, cpu: float | None = 0.5) -> Sampler:
    sampler = Sampler(lambda: reading)
    sampler.last = Sample(reading, cpu, {})
    return sampler


def loaded(load: float, seconds: float) -> Sampler:
    """Return a sampler of a machine that has been this busy for so long."""
    now = monotonic()
    moments = [now - seconds + INTERVAL * number for number in range(int(seconds / INTERVAL) + 1)]
    source = iter([vitals(moment, load * 2.0 * (moment - now)) for moment in [moments[0] - 0.2, *moments]])
    sampler = Sampler(source.__next__)
    sampler._previous = next(source)
    for _ in moments:
        sampler.sample()
    return sampler


def used(memory: float = 0.5, disk: float = 0.5, descriptors: int = 20, age: float = 0.0) -> Sampler:
    """Return a sampler with shares in use; of descriptors, 80 are allowed."""
    size = 10_000
    filesystems = (
        Filesystem("/empty", "", "", 0, size, size),
        Filesystem("/full", "", "", round(disk * size), size - round(disk * size), size),
    )
    process = dataclasses.replace(PROCESS, descriptors=descriptors)
    memory_share = Share(round(memory * size), size, "cgroup")
    return having(vitals(monotonic() - age, memory=memory_share, filesystems=filesystems, process=process))


def test_all_names_are_reserved() -> None:
    assert tuple(look()) == BUILT_IN


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert not any(look().values())
    nothing = Vitals(monotonic(), None, None, None)
    assert not any(look(having(nothing, None)).values())
    no_descriptors = dataclasses.replace(PROCESS, descriptors=None)
    assert look(having(vitals(monotonic(), process=no_descriptors)))["file_descriptors"] is None


@pytest.mark.parametrize(
    ("name", "well", "ill"),
    [
        ("memory", {"memory": 0.90}, {"memory": 0.9001}),
        ("disk", {"disk": 0.95}, {"disk": 0.9501}),
        ("file_descriptors", {"descriptors": 72}, {"descriptors": 73}),
    ],
)
def test_share_above_its_limit_is_unhealthy(name: str, well: dict[str, Any], ill: dict[str, Any]) -> None:
    verdict = look(used(**well))[name]
    assert verdict is not None
    assert verdict.status is Status.HEALTHY
    verdict = look(used(**ill))[name]
    assert verdict is not None
    assert (verdict.status, verdict.error) == (Status.UNHEALTHY, f"above {verdict.details['limit']:.0%}")
    assert 0 <= verdict.details["usage"] <= 1


@pytest.mark.parametrize(
    ("setting", "name"),
    [("MEMORY", "memory"), ("DISK", "disk"), ("CPU", "cpu"), ("DESCRIPTOR", "file_descriptors")],
)
def test_limits_are_settings_and_above_1_nothing_is_checked(setting: str, name: str) -> None:
    sampler = used(memory=1.0, disk=1.0, descriptors=80)
    if name == "cpu":
        sampler = loaded(1.0, 90)
    for limit, status in (("0.99", Status.UNHEALTHY), ("1.5", Status.HEALTHY)):
        verdict = look(sampler, {f"HEALTH_{setting}_LIMIT": limit})[name]
        assert verdict is not None
        assert (verdict.status, verdict.details["limit"]) == (status, float(limit))


def test_memory_says_of_what_it_is_a_share() -> None:
    verdict = look(used(memory=0.25))["memory"]
    assert verdict is not None
    assert verdict.details == {"usage": 0.25, "used": 2500, "total": 10_000, "scope": "cgroup", "limit": 0.9}


def test_disk_tells_of_the_fullest_file_system() -> None:
    verdict = look(used(disk=0.97))["disk"]
    assert verdict is not None
    assert (verdict.details["mountpoint"], verdict.details["free"]) == ("/full", 300)


@pytest.mark.parametrize(
    ("load", "seconds", "status"),
    [(1.0, 90, Status.UNHEALTHY), (0.9, 90, Status.HEALTHY), (1.0, 30, Status.HEALTHY), (1.0, 0, Status.HEALTHY)],
)
def test_processors_are_too_busy_only_after_a_minute(load: float, seconds: float, status: Status) -> None:
    verdict = look(loaded(load, seconds))["cpu"]
    assert verdict is not None
    assert verdict.status is status
    assert verdict.details["usage"] == pytest.approx(load)


def test_old_sample_is_degraded_whatever_it_says() -> None:
    for sampler in (used(age=31), used(memory=1.0, disk=1.0, descriptors=80, age=31)):
        for name, verdict in look(sampler).items():
            if verdict is not None:
                assert (verdict.status, (verdict.error or "")[:12]) == (Status.DEGRADED, "not read for"), name
    fresh = [verdict for verdict in look(used(age=20)).values() if verdict is not None]
    assert {verdict.status for verdict in fresh} == {Status.HEALTHY}


def test_old_sample_does_not_matter_where_nothing_is_checked() -> None:
    verdict = look(used(age=1000), {"HEALTH_MEMORY_LIMIT": "2"})["memory"]
    assert verdict is not None
    assert verdict.status is Status.HEALTHY


@given(st.floats(0, 1), st.floats(0.01, 1))
def test_only_what_is_above_the_limit_is_unhealthy(share: float, limit: float) -> None:
    sampler = used(memory=share)
    assert sampler.last is not None
    assert sampler.last.vitals.memory is not None
    verdict = look(sampler, {"HEALTH_MEMORY_LIMIT": repr(limit)})["memory"]
    assert verdict is not None
    assert (verdict.status is Status.UNHEALTHY) == (sampler.last.vitals.memory.ratio > limit)


def _exports(**signals: Signal) -> Exports:
    exports = Exports()
    exports._signals.update(signals)
    return exports


@pytest.mark.parametrize(
    ("signal", "error"),
    [
        ({"last_success": 0.0}, None),
        ({"failures": 1}, "traces not delivered"),
        ({"failures": 2, "lost": 5, "last_lost": 0.0}, "traces not delivered; traces dropped"),
        ({"last_success": 0.0, "lost": 5, "last_lost": 30.0}, "traces dropped"),
        ({"last_success": 0.0, "lost": 5, "last_lost": 61.0}, None),
    ],
)
def test_exports_that_fail_or_drop_are_degraded_and_never_worse(signal: dict[str, Any], error: str | None) -> None:
    now = monotonic()
    ages = {name: now - signal[name] for name in ("last_success", "last_lost") if name in signal}
    verdict = look(exports=_exports(traces=Signal(**{**signal, **ages}), metrics=Signal(last_success=now)))["exporters"]
    assert verdict is not None
    assert (verdict.status, verdict.error) == (Status.DEGRADED if error else Status.HEALTHY, error)
    assert verdict.details["traces"]["lost"] == signal.get("lost", 0)
    assert verdict.details["metrics"]["last_success_age"] >= 0


def test_loop_that_turns_is_well() -> None:
    loops = EventLoops()

    async def main() -> Verdict | None:
        loops.watch()
        return look(loops=loops)["event_loop"]

    verdict = asyncio.run(main())
    assert verdict is not None
    assert (verdict.status, verdict.details["limit"]) == (Status.HEALTHY, Settings().health_loop_limit)
    loops.close()


def test_blocked_loop_is_unhealthy_and_named() -> None:
    loops = EventLoops()

    async def main() -> Verdict:
        loops.watch()
        with ThreadPoolExecutor() as threads:
            return threads.submit(blocked).result(DEADLINE)  # blocks the loop

    def blocked() -> Verdict:
        def is_unhealthy() -> bool:
            verdict = look(loops=loops, settings={"HEALTH_LOOP_LIMIT": "1.1"})["event_loop"]
            return verdict is not None and verdict.status is Status.UNHEALTHY

        eventually(is_unhealthy)
        verdict = look(loops=loops, settings={"HEALTH_LOOP_LIMIT": "1.1"})["event_loop"]
        assert verdict is not None
        return verdict

    verdict = asyncio.run(main())
    loops.close()
    assert verdict.error is not None
    assert verdict.error.startswith(f"blocked by unknown work at {__file__}:")
    assert verdict.details["blocked_for"] > 1.1
    assert verdict.details["blocked_by"] in verdict.error
    assert verdict.details["lag"] >= 1.1
