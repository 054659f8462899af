"""The life of a rule's alerts, as Prometheus has it: pending, firing, resolved; identity is the labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.alert import ALERT_NAME, Alert
from mcp_opentelemetry.alerts.promql.model import NAME, EvaluationError, Labels, Vector, labels_of, vector_of
from mcp_opentelemetry.alerts.template import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_opentelemetry.alerts.rule import Rule

RETENTION: Final = 900.0
"""Seconds for which a resolved alert is remembered, so that whoever missed it can be told again."""


class RuleState:
    """The alerts of one rule.

    Args:
        rule: an alerting rule.
        limit: how many it may have; 0 for any.
    """

    def __init__(self, rule: Rule, limit: int = 0) -> None:
        self.rule = rule
        self._limit = limit
        self._alerts: dict[Labels, Alert] = {}
        self._absent_since: dict[Labels, float] = {}
        self._made: dict[Labels, tuple[Labels, Alert]] = {}

    def alerts(self) -> list[Alert]:
        """Return the alerts that are pending or firing, or were until not long ago."""
        return list(self._alerts.values())

    def is_of(self, alert: Alert) -> bool:
        """Return whether an alert is one of this rule's."""
        return alert.name == self.rule.name and alert.expression == self.rule.expression.text

    def restore(self, alert: Alert) -> None:
        """Take over an alert that was firing when the process before this one ended."""
        self._alerts[labels_of(alert.labels)] = alert

    def advance(self, vector: Vector, now: float, *, gap: float = 0.0, may_resolve: bool = True) -> list[Alert]:
        """Take over what the expression has come to; returns the alerts that have begun or ceased to fire.

        Args:
            vector: the series for which the condition holds.
            now: seconds since the epoch.
            gap: seconds since the last evaluation in which nobody looked; they do not count toward `for`.
            may_resolve: whether an alert may be resolved: not while its range is not covered yet after a restart.

        Raises:
            EvaluationError: two series make one alert, or there are more than the limit.
        """
        current = self._current(vector)
        changed: list[Alert] = []
        for labels, fresh in current.items():
            alert = self._alerts.get(labels)
            if alert is None or alert.state == "resolved":
                alert = replace(fresh, active_since=now)
            elif gap or fresh.value != alert.value or fresh.annotations is not alert.annotations:
                since = alert.active_since + (gap if alert.state == "pending" else 0.0)
                alert = replace(alert, value=fresh.value, annotations=fresh.annotations, active_since=since)
            if alert.state == "pending" and now - alert.active_since >= self.rule.hold:
                alert = replace(alert, state="firing", fired_at=now)
                changed.append(alert)
            self._alerts[labels] = alert
            self._absent_since.pop(labels, None)
        gone = [labels for labels in self._alerts if labels not in current]
        resolved = [self._let_go(labels, now, may_resolve=may_resolve) for labels in gone]
        active = sum(alert.state != "resolved" for alert in self._alerts.values())
        if self._limit and active > self._limit:
            self._alerts.clear()
            self._absent_since.clear()
            raise EvaluationError(f"{active} alerts, more than the limit of {self._limit}")
        return changed + [alert for alert in resolved if alert is not None]

    def _let_go(self, labels: Labels, now: float, *, may_resolve: bool) -> Alert | None:
        """Forget, keep or resolve an alert whose condition does not hold; returns it if that resolves it."""
        alert = self._alerts[labels]
        if alert.state == "pending" or (alert.resolved_at is not None and now - alert.resolved_at > RETENTION):
            del self._alerts[labels]
            return None
        if alert.state == "resolved":
            return None
        absent = self._absent_since.setdefault(labels, now)
        if not may_resolve or (self.rule.keep and now - absent < self.rule.keep):
            return None
        del self._absent_since[labels]
        self._alerts[labels] = replace(alert, state="resolved", resolved_at=now)
        return self._alerts[labels]

    def _current(self, vector: Vector) -> dict[Labels, Alert]:
        before, self._made = self._made, {}
        current: dict[Labels, Alert] = {}
        for series, value in vector.items():
            made = before.get(series)
            if made is None or made[1].value != value:
                made = self._make(series, value)
            self._made[series] = made
            key, alert = made
            if key in current:
                raise EvaluationError("two series make the same alert: their labels differ in nothing")
            current[key] = alert
        return current

    def _make(self, series: Labels, value: float) -> tuple[Labels, Alert]:
        facts = Facts(dict(series), value)
        labels = final_labels(self.rule, facts)
        annotations = {name: template.expand(facts) for name, template in self.rule.annotations.items()}
        return labels_of(labels), Alert(labels, annotations, value=value, expression=self.rule.expression.text)


def final_labels(rule: Rule, facts: Facts) -> dict[str, str]:
    """Return the labels of an alert: those of the series, the rule's own, and its name."""
    own = {label: template.expand(facts) for label, template in rule.labels.items()}
    labels: Mapping[str, str] = {**facts.labels, **own, ALERT_NAME: rule.name}
    return {name: value for name, value in labels.items() if value and name != NAME}


def recorded(rule: Rule, vector: Vector, limit: int = 0) -> Vector:
    """Return the series that a recording rule makes of what its expression has come to.

    Args:
        rule: a recording rule.
        vector: what its expression has come to.
        limit: how many series it may make; 0 for any.

    Raises:
        EvaluationError: two of them have the same labels, or there are more than the limit.
    """
    own = {label: template.text for label, template in rule.labels.items()}
    series = vector_of((labels_of({**dict(labels), **own, NAME: rule.name}), value) for labels, value in vector.items())
    if limit and len(series) > limit:
        raise EvaluationError(f"{len(series)} series, more than the limit of {limit}")
    return series
