"""The report, against the JSON schema that ships with the package."""

from __future__ import annotations

import asyncio
import json
import threading
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.exports import Exports
from mcp_opentelemetry.health.built_in import built_in_checks
from mcp_opentelemetry.health.checks import Check, health_check
from mcp_opentelemetry.health.health import Health
from mcp_opentelemetry.health.report import NO_RESULT, make_report, of_checks, of_system
from mcp_opentelemetry.health.state import CheckState
from mcp_opentelemetry.health.verdict import HEALTHY, Status, Verdict, of_raised, of_returned
from mcp_opentelemetry.redaction import REDACTED
from mcp_opentelemetry.runtime import Runtime
from mcp_opentelemetry.system.event_loop import EventLoops
from mcp_opentelemetry.system.reading import read_vitals
from mcp_opentelemetry.system.sampler import Sample, Sampler
from mcp_opentelemetry.system.vitals import Share, Vitals
from tests.system.invented import vitals
from tests.waiting import DEADLINE, eventually

SCHEMA = json.loads((files("mcp_opentelemetry.health") / "health.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object()),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)
verdicts = st.builds(
    Verdict,
    st.sampled_from(Status),
    st.none() | st.text(),
    st.none() | st.text(),
    st.dictionaries(st.text() | st.just("status"), values),
)


def whole(checks: dict[str, Any], sample: Sample | None = None) -> Any:
    """Return a whole report with these checks, as it arrives."""
    report = {
        "status": "healthy",
        "timestamp": "2026-11-22T12:00:00.123456+00:00",
        "service": "weather",
        "version": None,
        "uptime": 0.0,
        "system": of_system(sample),
        "checks": checks,
    }
    # As starlette sends it.
    return json.loads(json.dumps(report, ensure_ascii=False, allow_nan=False).encode("utf-8"))


def validated(states: list[CheckState], *, with_messages: bool = True) -> dict[str, Any]:
    report = whole(of_checks(states, with_messages=with_messages))
    VALIDATOR.validate(report)
    return report["checks"]


def state(*verdicts: Verdict, critical: bool = False) -> CheckState:
    made = CheckState("db", Check("db", lambda: None, critical))
    for verdict in verdicts:
        made.take(verdict, 0.125)
    return made


def test_schema_is_valid_and_refuses_what_is_not_a_report() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate({"status": "healthy"})
    good = whole(of_checks([state(HEALTHY)], with_messages=True))
    VALIDATOR.validate(good)
    for bad in (
        {},
        {"status": "ok"},
        {"status": "healthy", "checks": {}},
        {**good, "extra": 1},
        {**good, "timestamp": "yesterday"},
        {**good, "system": {**good["system"], "cpu_usage_percent": 100.5}},
        {**good, "checks": {"db": {"status": "fine"}}},
    ):
        assert not VALIDATOR.is_valid(bad), bad


@given(st.lists(verdicts, max_size=4), st.booleans(), st.booleans())
@example([Verdict(Status.DEGRADED, message="\udcff", details={"\ud800": "\udfff"})], True, True)
@example([Verdict(Status.DEGRADED, details={"status": "x", "age": float("nan"), "n": 10**30})], True, True)
def test_every_verdict_makes_a_valid_report(found: list[Verdict], with_messages: bool, critical: bool) -> None:
    checks = validated([state(*found, critical=critical)], with_messages=with_messages)
    assert checks["db"]["critical"] is critical


@given(values, st.booleans())
def test_whatever_a_check_returns_makes_a_valid_report(value: object, critical: bool) -> None:
    failed = Status.UNHEALTHY if critical else Status.DEGRADED
    validated([state(of_returned(value, failed)), state(of_returned({"status": True, "x": value}, failed))])


def test_details_that_contain_themselves_make_a_valid_report() -> None:
    details: dict[str, Any] = {"size": 1}
    details["self"] = [details]
    report = validated([state(of_returned(details, Status.DEGRADED))])
    assert report["db"]["details"]["size"] == 1


def test_check_without_a_result_says_so() -> None:
    assert validated([state()])["db"] == {"status": "degraded", "critical": False, "error": NO_RESULT}


def test_check_with_results_tells_its_story() -> None:
    checks = validated([state(HEALTHY, Verdict(Status.DEGRADED, "ConnectionError", "refused"))])
    report = checks["db"]
    assert (report["status"], report["error"], report["message"]) == ("degraded", "ConnectionError", "refused")
    assert (report["duration"], report["consecutive_failures"]) == (0.125, 1)
    assert report["since"] == report["time"]
    assert report["last_success"] is not None
    assert report["age"] >= 0


def test_messages_and_details_are_shown_only_if_asked_for_and_without_secrets() -> None:
    error = ConnectionError("postgres://alice:hunter2@db: password=hunter2")
    details = {"status": "degraded", "dsn": "redis://:hunter2@x", "rows": [{"password": "hunter2"}], "size": 3}
    for verdict in (of_raised(error, Status.DEGRADED), of_returned(details, Status.DEGRADED)):
        hidden = validated([state(verdict)], with_messages=False)["db"]
        assert not {"message", "details"} & hidden.keys()
        shown = validated([state(verdict)])["db"]
        assert "hunter2" not in json.dumps([hidden, shown])
        assert REDACTED in json.dumps(shown)
    assert validated([state(of_returned(details, Status.DEGRADED))])["db"]["details"]["size"] == 3


def test_class_of_an_exception_is_always_shown() -> None:
    assert (
        validated([state(of_raised(KeyError("x"), Status.DEGRADED))], with_messages=False)["db"]["error"] == "KeyError"
    )


def test_built_in_checks_show_their_numbers_to_all_who_see_details() -> None:
    built_in = CheckState("memory")
    built_in.take(Verdict(Status.UNHEALTHY, "above 90%", details={"usage": 0.95, "scope": "cgroup"}))
    report = validated([built_in], with_messages=False)["memory"]
    assert (report["usage"], report["scope"], report["error"]) == (0.95, "cgroup", "above 90%")
    assert "critical" not in report


@pytest.mark.usefixtures("no_checks")
def test_run_that_is_stuck_says_for_how_long(release: threading.Event) -> None:
    health_check("hung", timeout=0.01)(lambda: release.wait(DEADLINE) and None)
    health = Health({}, lambda: None)

    def is_stuck() -> bool:
        health.refresh()
        return health.states()[0].is_stuck

    eventually(is_stuck)
    report = validated(health.states())["hung"]
    assert report["stuck_for"] >= 0.01, "more, and then rounded"
    assert report["error"] == "timeout"


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (None, (None, None, None, "host")),
        (Sample(Vitals(0.0, None, None, None), None, {}), (None, None, None, "host")),
        (Sample(vitals(0.0), 0.125, {}), (50.0, 12.5, 50.0, "cgroup")),
        (Sample(vitals(0.0, memory=Share(1, 3)), 1.0, {}), (33.33, 100.0, 50.0, "host")),
        (Sample(vitals(0.0, memory=Share(1, 4), scope="cgroup"), 0.0, {}), (25.0, 0.0, 50.0, "cgroup")),
        (Sample(vitals(0.0, memory=Share(101, 100, "cgroup")), 0.0, {}), (100.0, 0.0, 50.0, "cgroup")),
    ],
)
def test_system_is_in_percent_and_says_of_what(sample: Sample | None, expected: tuple[object, ...]) -> None:
    system = of_system(sample)
    assert tuple(system.values()) == expected
    VALIDATOR.validate(whole({}, sample))


def test_real_vitals_and_built_in_checks_make_a_valid_report() -> None:
    sampler = Sampler(read_vitals)
    sampler.sample()
    loops = EventLoops()
    health = Health(built_in_checks(Settings, sampler, loops, Exports()), loops.running)

    async def look() -> dict[str, Any]:
        loops.watch()
        health.refresh()
        return of_checks(health.states(), with_messages=True)

    report = whole(asyncio.run(look()), sampler.last)
    loops.close()
    VALIDATOR.validate(report)
    assert {"memory", "disk", "event_loop"} <= report["checks"].keys()


def test_report_of_the_runtime_is_valid_before_anything_serves() -> None:
    report = json.loads(json.dumps(make_report(Runtime(Settings())), allow_nan=False))
    VALIDATOR.validate(report)
    assert (report["status"], report["uptime"]) == ("healthy", 0.0)
