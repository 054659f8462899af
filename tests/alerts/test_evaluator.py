"""The evaluator: what is said at start, what a suspended process counts, who is told, and what a bad rule costs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_opentelemetry import guard
from mcp_opentelemetry.alerts import evaluator as module
from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.evaluator import Evaluator
from mcp_opentelemetry.alerts.promql.model import NAME, Matcher, Series, labels_of
from mcp_opentelemetry.alerts.promql.samples import GivenStorage
from mcp_opentelemetry.config import Settings
from tests.waiting import eventually

START = 1_800_000_000.0


class Given:
    """Series that the test gives, and a clock that it sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        self.storage = GivenStorage()
        self.collections = 0
        monkeypatch.setattr(module, "time", lambda: self.now)

    def select(self, matchers: Sequence[Matcher]) -> Iterator[Series]:
        return self.storage.select(matchers)

    def covered(self) -> float:
        return self.now - START

    def collect(self) -> None:
        self.collections += 1

    def set(self, metric: str, value: float | None, **labels: str) -> None:
        self.storage.add(labels_of({NAME: metric, **labels}), self.now, value)


class Told:
    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.active: Sequence[Alert] = ()
        self.left: list[Alert] = []

    def publish(self, transitions: Sequence[Alert], active: Sequence[Alert]) -> None:
        self.changes += [(alert.name, alert.state) for alert in transitions]
        self.active = active

    def restore(self) -> list[Alert]:
        return self.left


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    return Given(monkeypatch)


@pytest.fixture
def told() -> Told:
    return Told()


def make(given: Given, told: Told, tmp_path: Path, rules: str, **more: str) -> Evaluator:
    file = tmp_path / "rules.yml"
    file.write_text(rules)
    environ = {
        "OTEL_PYTHON_MCP_ALERT_RULES": str(file),
        "OTEL_PYTHON_MCP_ALERT_DEFAULTS": "false",
        **{f"OTEL_PYTHON_MCP_{name}": value for name, value in more.items()},
    }
    storage: Any = given
    return Evaluator(Settings.from_mapping(environ), storage, given.collect, lambda: None, told)


HOT = """
groups:
  - name: g
    rules:
      - {alert: Hot, expr: heat > 1, for: 30s, labels: {severity: warning}}
"""


def states(evaluator: Evaluator) -> dict[str, str]:
    return {alert.name: alert.state for alert in evaluator.alerts()}


def test_alert_is_pending_then_firing_then_resolved_and_told_so(given: Given, told: Told, tmp_path: Path) -> None:
    evaluator = make(given, told, tmp_path, HOT)
    seen: list[str | None] = []
    for value in (2.0, 2.0, 2.0, 0.0):
        given.set("heat", value)
        evaluator.check()
        seen.append(states(evaluator).get("Hot"))
        given.now += 15
    assert seen == ["pending", "pending", "firing", "resolved"]
    assert told.changes == [("Hot", "firing"), ("Hot", "resolved")]
    assert [alert.state for alert in told.active] == ["resolved"]
    assert given.collections == 4


@pytest.mark.parametrize(("jump", "expected"), [(15, "pending"), (30, "firing"), (3600, "pending"), (-3600, "pending")])
def test_time_in_which_nobody_looked_does_not_count(
    given: Given, told: Told, tmp_path: Path, jump: float, expected: str
) -> None:
    evaluator = make(given, told, tmp_path, HOT.replace("30s", "40s"))
    for step in (15, jump, 0):
        given.storage = GivenStorage()  # a clock that is set back leaves no samples of the future
        given.set("heat", 2)
        evaluator.check()
        given.now += step
    assert states(evaluator) == {"Hot": expected}


def test_problems_are_told_at_start_and_good_rules_go_on(
    given: Given, told: Told, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = HOT + "      - {alert: Bad, expr: 'rate(heat)'}\n      - {alert: Up, expr: up == 0}\n"
    with caplog.at_level(logging.WARNING):
        evaluator = make(given, told, tmp_path, rules)
    messages = [record.getMessage() for record in caplog.records]
    (problem,) = [message for message in messages if "Bad" in message]
    assert "rules.yml:6" in problem
    assert "group 'g'" in problem
    assert "rate(heat)" in problem
    (unknown,) = [message for message in messages if "rules ask for" in message]
    assert "heat, up" in unknown
    given.set("heat", 2)
    evaluator.check()
    assert states(evaluator) == {"Hot": "pending"}


def test_rule_that_fails_three_times_raises_an_alert_of_its_own_and_stops_no_other(
    given: Given, told: Told, tmp_path: Path
) -> None:
    rules = """
groups:
  - name: g
    rules:
      - {alert: Twice, expr: 'heat * on() pressure > 0'}
      - {alert: Hot, expr: heat > 1}
"""
    evaluator = make(given, told, tmp_path, rules)
    for _ in range(3):
        given.set("heat", 2, place="a")
        given.set("pressure", 2, place="a")
        given.set("pressure", 2, place="b")
        evaluator.check()
        given.now += 15
    assert states(evaluator) == {"Hot": "firing", "McpAlertRuleFailing": "firing"}
    (failing,) = [alert for alert in evaluator.alerts() if alert.name == "McpAlertRuleFailing"]
    assert failing.labels == {**failing.labels, "rule": "Twice", "group": "g"}
    given.set("pressure", None, place="b")
    evaluator.check()
    assert states(evaluator)["McpAlertRuleFailing"] == "resolved"


def test_alerts_of_the_process_before_go_on_and_are_resolved_when_the_range_is_covered(
    given: Given, told: Told, tmp_path: Path
) -> None:
    rules = "groups: [{name: g, rules: [{alert: Many, expr: 'increase(errors_total[5m]) > 5'}]}]"
    evaluator = make(given, told, tmp_path, rules)
    told.left = [
        Alert(
            {"alertname": "Many"}, {}, "firing", 7.0, START - 600, START - 500, None, "increase(errors_total[5m]) > 5"
        )
    ]
    evaluator.engine.restore(told.restore())
    seen: list[str] = []
    for _ in range(4):
        given.set("errors_total", 0)
        evaluator.check()
        seen.append(states(evaluator)["Many"])
        given.now += 120
    assert seen == ["firing", "firing", "firing", "resolved"]
    assert told.changes == [("Many", "resolved")]


def test_groups_are_evaluated_at_their_own_interval(tmp_path: Path, told: Told, given: Given) -> None:
    rules = """
groups:
  - {name: fast, interval: 10ms, rules: [{record: fast, expr: vector(1)}]}
  - {name: usual, rules: [{record: usual, expr: vector(1)}]}
"""
    evaluator = make(given, told, tmp_path, rules, ALERT_INTERVAL="1h")
    evaluator.start()
    try:
        eventually(lambda: evaluator.engine.evaluations > 4)
        statuses = {group.name: status.health for group, _, status in evaluator.engine.statuses()}
        assert statuses == {"fast": "ok", "usual": "ok"}
    finally:
        evaluator.close()


def test_restored_alert_is_the_same_alert() -> None:
    alert = Alert({"alertname": "A", "b": "c"}, state="firing", value=1)
    assert replace(alert, value=2).fingerprint == alert.fingerprint
    assert replace(alert, labels={"b": "c", "alertname": "A"}).fingerprint == alert.fingerprint
    assert replace(alert, labels={"alertname": "A"}).fingerprint != alert.fingerprint


def test_alert_whose_rule_has_gone_is_resolved(given: Given, told: Told, tmp_path: Path) -> None:
    evaluator = make(given, told, tmp_path, HOT, ALERT_INTERVAL="1h")
    told.left = [Alert({"alertname": "Old"}, {}, "firing", 1.0, START - 60, START - 50, None, "old > 1")]
    evaluator.start()
    try:
        eventually(lambda: told.changes)
    finally:
        evaluator.close()
    assert told.changes == [("Old", "resolved")]


def test_failing_collection_keeps_alerts_alive(
    given: Given, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "reraise", False)
    evaluator = make(given, told, tmp_path, HOT.replace("30s", "0s"))
    given.set("heat", 2)
    monkeypatch.setattr(given.storage, "forget", lambda _: None)
    evaluator.check()

    def fail() -> None:
        raise RuntimeError

    evaluator._collect = guard.guarded(fail)
    told.active = ()
    evaluator.check()
    assert [alert.name for alert in told.active] == ["Hot"]
