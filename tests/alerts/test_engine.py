"""The engine: rules see what rules before them record, and what goes wrong in one stays there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.engine import Engine
from mcp_opentelemetry.alerts.given_series import labels_of_series
from mcp_opentelemetry.alerts.promql.compiler import compile_expression
from mcp_opentelemetry.alerts.promql.samples import GivenStorage
from mcp_opentelemetry.alerts.rules import Rules, parse_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_opentelemetry.alerts.promql.model import Matcher, Series


class _Failing(GivenStorage):
    """A storage that fails for some metrics."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: set[str] = set()

    def select(self, matchers: Sequence[Matcher]) -> Iterator[Series]:
        if self.failing & {matcher.value for matcher in matchers}:
            raise RuntimeError("no storage")
        return super().select(matchers)


@pytest.fixture
def storage() -> _Failing:
    storage = _Failing()
    for name, values in {"up": (1, 0, 0, 0, 1), "calls": (1, 2, 3, 4, 5)}.items():
        for minute, value in enumerate(values):
            storage.add(labels_of_series(f'{name}{{job="a"}}'), 60.0 * minute, float(value))
    return storage


def _engine(storage: GivenStorage, *rules: str, more: str = "") -> Engine:
    read = Rules()
    text = "".join(f"  - {{{rule}}}\n" for rule in rules)
    parse_rules(f"groups:\n- name: g\n  {more}\n  rules:\n{text}", "file", 1e9, read)
    assert not read.problems
    return Engine(read.groups, storage)


def _run(engine: Engine, minutes: int = 5) -> list[str]:
    """Evaluate minute by minute; returns what changed at each."""
    return [
        ",".join(f"{alert.name} {alert.state}" for alert in engine.evaluate(engine.groups, 60.0 * minute))
        for minute in range(minutes)
    ]


def _health(engine: Engine) -> list[str]:
    return [status.health for _, _, status in engine.statuses()]


def test_alerts_fire_and_are_resolved(storage: GivenStorage) -> None:
    engine = _engine(storage, "alert: Down, expr: up == 0, for: 1m")
    assert _run(engine) == ["", "", "Down firing", "", "Down resolved"]
    assert engine.evaluations == 5
    assert engine.seconds > 0


def test_rules_see_what_rules_before_them_have_recorded(storage: GivenStorage) -> None:
    engine = _engine(
        storage,
        "alert: Late, expr: down > 0",
        "record: down, expr: 1 - up",
        "alert: Soon, expr: down > 0",
        "alert: Any, expr: count(ALERTS) > 1",
        "alert: AnyName, expr: 'count({__name__=~\"dow.\"}) > 0'",
    )
    assert _run(engine, 3) == ["AnyName firing", "Soon firing,Any firing", "Late firing"]


def test_what_a_rule_no_longer_makes_has_ended(storage: GivenStorage) -> None:
    engine = _engine(storage, "record: down, expr: up == 0")
    _run(engine)
    asked = compile_expression("down")
    assert [len(engine.query(asked, 60.0 * minute)) for minute in range(5)] == [0, 1, 1, 1, 0]  # type: ignore[arg-type]


def test_one_bad_rule_never_stops_another_and_its_alerts_stay_as_they_are(storage: _Failing) -> None:
    engine = _engine(storage, "alert: Bad, expr: up == 0", "alert: Good, expr: calls > 3")
    _run(engine, 2)
    storage.failing = {"up"}
    assert [alert.name for alert in engine.evaluate(engine.groups, 180.0)] == ["Good"]
    engine.evaluate(engine.groups, 240.0)
    bad, good = (status for _, _, status in engine.statuses())
    assert (bad.health, bad.error, bad.failures) == ("error", "RuntimeError: no storage", 2)
    assert (good.health, good.error, good.failures) == ("ok", None, 0)
    assert engine.failures == 2
    assert {alert.name: alert.state for alert in engine.alerts()} == {"Bad": "firing", "Good": "firing"}
    storage.failing = set()
    assert [alert.state for alert in engine.evaluate(engine.groups, 250.0)] == ["resolved"]
    assert _health(engine) == ["ok", "ok"]


def test_a_metric_that_is_not_there_is_no_data_and_no_error(storage: GivenStorage) -> None:
    engine = _engine(storage, "alert: A, expr: nothing > 1", "alert: B, expr: up > 1", "alert: C, expr: vector(0) > 1")
    engine.evaluate(engine.groups, 60.0)
    assert _health(engine) == ["no data", "ok", "ok"]
    assert engine.failures == 0


def test_a_rule_is_warming_until_its_range_is_covered_and_resolves_nothing_until_then(storage: GivenStorage) -> None:
    engine = _engine(storage, "alert: A, expr: 'increase(calls[5m]) > 100'")
    (rule,) = engine.groups[0].rules
    engine.restore([Alert({"alertname": "A", "job": "a"}, state="firing", expression=rule.expression.text)])
    assert not engine.evaluate(engine.groups, 120.0, covered=120.0)
    assert _health(engine) == ["warming"]
    assert [alert.state for alert in engine.evaluate(engine.groups, 300.0, covered=300.0)] == ["resolved"]
    assert _health(engine) == ["ok"]


def test_alerts_of_another_rule_are_not_restored(storage: GivenStorage) -> None:
    engine = _engine(storage, "alert: A, expr: up == 0")
    engine.restore([Alert({"alertname": "A"}, expression="other"), Alert({"alertname": "B"}, expression="up == 0")])
    assert not engine.alerts()


def test_a_query_offset_looks_back_and_the_clock_of_alerts_does_not(storage: GivenStorage) -> None:
    engine = _engine(storage, "alert: Down, expr: up == 0, for: 1m", more="query_offset: 1m")
    assert _run(engine) == ["", "", "", "Down firing", ""]
    assert engine.alerts()[0].active_since == 120


def test_too_many_series_are_an_error(storage: GivenStorage) -> None:
    engine = _engine(storage, "record: r, expr: '{__name__=~\"up|calls\"} * 1 or up'", more="limit: 1")
    engine.evaluate(engine.groups, 60.0)
    assert _health(engine) == ["error"]


def test_a_rule_that_takes_too_long_is_given_up(storage: GivenStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_opentelemetry.alerts.engine._PATIENCE", -1.0)
    engine = _engine(storage, "alert: A, expr: up == 0")
    engine.evaluate(engine.groups, 60.0)
    (status,) = (status for _, _, status in engine.statuses())
    assert (status.health, status.error) == ("error", "EvaluationError: it takes too long")


def test_what_was_recorded_is_forgotten_in_time(storage: GivenStorage) -> None:
    engine = _engine(storage, "record: r, expr: up")
    _run(engine)
    engine.forget(180.0)
    asked = compile_expression("count_over_time(r[1h])")
    assert list(engine.query(asked, 240.0).values()) == [1.0]  # type: ignore[union-attr]
    engine.forget(300.0)
    assert engine.query(asked, 240.0) == {}
