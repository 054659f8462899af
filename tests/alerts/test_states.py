"""The life of an alert: pending, firing, resolved, as Prometheus has it, and what a process of its own adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.promql.model import EvaluationError, labels_of
from mcp_opentelemetry.alerts.rules import Rules, parse_rules
from mcp_opentelemetry.alerts.states import RETENTION, RuleState, recorded

if TYPE_CHECKING:
    from mcp_opentelemetry.alerts.promql.model import Vector
    from mcp_opentelemetry.alerts.rule import Rule

_A = labels_of({"__name__": "up", "job": "a"})
_B = labels_of({"__name__": "up", "job": "b"})


def _rule(more: str = "", kind: str = "alert: A") -> Rule:
    rules = Rules()
    parse_rules(f"groups: [{{name: g, rules: [{{{kind}, expr: up, {more}}}]}}]", "file", 1e9, rules)
    assert not rules.problems
    return rules.groups[0].rules[0]


def _states(state: RuleState) -> dict[str, str]:
    return {alert.labels["job"]: alert.state for alert in state.alerts()}


def _run(rule: Rule, steps: list[Vector], **options: Any) -> tuple[RuleState, list[str]]:
    """Advance by a minute for each vector; returns the state, and what changed at each."""
    state = RuleState(rule, **options)
    changes = [",".join(alert.state for alert in state.advance(vector, 60.0 * n)) for n, vector in enumerate(steps)]
    return state, changes


def test_an_alert_without_for_fires_at_once() -> None:
    state, changes = _run(_rule(), [{_A: 1.0}])
    (alert,) = state.alerts()
    assert changes == ["firing"]
    assert alert == Alert({"job": "a", "alertname": "A"}, {}, "firing", 1.0, 0.0, 0.0, None, "up")


def test_for_holds_an_alert_back_until_it_has_lasted() -> None:
    assert _run(_rule("for: 2m"), [{_A: 1.0}] * 4)[1] == ["", "", "firing", ""]
    assert _run(_rule("for: 90s"), [{_A: 1.0}] * 4)[1] == ["", "", "firing", ""]


def test_a_pending_alert_is_forgotten_at_once() -> None:
    state, changes = _run(_rule("for: 2m"), [{_A: 1.0}, {_A: 1.0}, {}, {_A: 1.0}, {_A: 1.0}])
    assert changes == [""] * 5
    assert state.alerts()[0].active_since == 180


def test_a_firing_alert_is_resolved_and_remembered_for_a_while() -> None:
    state, changes = _run(_rule(), [{_A: 1.0}, {}, {}])
    assert changes == ["firing", "resolved", ""]
    assert state.alerts()[0].resolved_at == 60
    state.advance({}, 60 + RETENTION)
    assert state.alerts()
    state.advance({}, 61 + RETENTION)
    assert not state.alerts()


def test_an_alert_that_comes_back_begins_anew() -> None:
    state, changes = _run(_rule("for: 1m"), [{_A: 1.0}, {_A: 1.0}, {}, {_A: 2.0}, {_A: 2.0}])
    assert changes == ["", "firing", "resolved", "", "firing"]
    (alert,) = state.alerts()
    assert (alert.active_since, alert.fired_at, alert.resolved_at) == (180, 240, None)


def test_keep_firing_for_goes_on_and_begins_again_with_the_condition() -> None:
    rule = _rule("keep_firing_for: 2m")
    assert _run(rule, [{_A: 1.0}, {}, {}, {}])[1] == ["firing", "", "", "resolved"]
    assert _run(rule, [{_A: 1.0}, {}, {_A: 1.0}, {}, {}, {}])[1] == ["firing", "", "", "", "", "resolved"]


def test_value_and_annotations_follow_and_labels_stay() -> None:
    rule = _rule("annotations: {text: '{{ $value }}'}, labels: {job: '{{ $labels.job }}!', severity: page}")
    state, changes = _run(rule, [{_A: 1.0}, {_A: 2.5}])
    (alert,) = state.alerts()
    assert changes == ["firing", ""]
    assert (alert.value, alert.annotations["text"], alert.severity) == (2.5, "2.5", "page")
    assert alert.labels == {"job": "a!", "severity": "page", "alertname": "A"}


def test_each_label_set_has_a_life_of_its_own() -> None:
    state, changes = _run(_rule("for: 1m"), [{_A: 1.0}, {_A: 1.0, _B: 1.0}, {_B: 1.0}])
    assert changes == ["", "firing", "firing,resolved"]
    assert _states(state) == {"a": "resolved", "b": "firing"}


def test_a_gap_does_not_count_toward_for() -> None:
    state = RuleState(_rule("for: 2m"))
    state.advance({_A: 1.0}, 0)
    assert not state.advance({_A: 1.0}, 3_660, gap=3_600)
    assert state.alerts()[0].active_since == 3_600
    assert [alert.state for alert in state.advance({_A: 1.0}, 3_720)] == ["firing"]


def test_nothing_is_resolved_while_the_range_is_not_covered() -> None:
    state = RuleState(_rule())
    fired = Alert({"job": "a", "alertname": "A"}, {}, "firing", 1.0, 5.0, 5.0, None, "up")
    state.restore(fired)
    assert not state.advance({}, 60, may_resolve=False)
    assert state.alerts() == [fired]
    assert [alert.state for alert in state.advance({}, 120)] == ["resolved"]


def test_a_restored_alert_goes_on_without_firing_again() -> None:
    state = RuleState(_rule("for: 10m"))
    state.restore(Alert({"job": "a", "alertname": "A"}, {}, "firing", 1.0, 5.0, 5.0, None, "up"))
    assert not state.advance({_A: 3.0}, 60)
    assert (state.alerts()[0].state, state.alerts()[0].value, state.alerts()[0].fired_at) == ("firing", 3.0, 5.0)


def test_two_series_that_make_one_alert_are_an_error_that_changes_nothing() -> None:
    state = RuleState(_rule("labels: {job: same}"))
    state.advance({_A: 1.0}, 0)
    with pytest.raises(EvaluationError, match="same alert"):
        state.advance({_A: 1.0, _B: 1.0}, 60)
    assert [alert.state for alert in state.alerts()] == ["firing"]
    assert state.alerts()[0].value == 1.0


def test_more_alerts_than_the_limit_drop_all_of_them() -> None:
    state = RuleState(_rule("keep_firing_for: 5m"), limit=1)
    state.advance({_A: 1.0}, 0)
    with pytest.raises(EvaluationError, match="limit of 1"):
        state.advance({_B: 1.0}, 60)  # the other is kept firing
    assert not state.alerts()
    assert [alert.state for alert in state.advance({_B: 1.0}, 120)] == ["firing"]


def test_alerts_are_told_apart_by_labels_and_never_by_value() -> None:
    first, second = (_run(_rule(), [{_A: value}])[0].alerts()[0] for value in (1.0, 2.0))
    other = _run(_rule(), [{_B: 1.0}])[0].alerts()[0]
    assert first.fingerprint == second.fingerprint != other.fingerprint


def test_what_is_recorded_has_the_rules_name_and_labels() -> None:
    rule = _rule("labels: {team: '{{ x', job: ''}", "record: r")
    assert recorded(rule, {_A: 1.0}) == {labels_of({"__name__": "r", "team": "{{ x"}): 1.0}
    with pytest.raises(EvaluationError, match="same labelset"):
        recorded(rule, {_A: 1.0, _B: 1.0})
    with pytest.raises(EvaluationError, match="limit of 1"):
        recorded(_rule("", "record: r"), {_A: 1.0, _B: 1.0}, 1)
