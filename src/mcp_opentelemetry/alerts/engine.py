"""Evaluates groups of rules at a moment: records series, and moves alerts through their states."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from mcp_opentelemetry.alerts.promql.model import NAME, Evaluation, Labels, Matcher, Series, Vector, labels_of
from mcp_opentelemetry.alerts.promql.samples import GivenStorage
from mcp_opentelemetry.alerts.states import RuleState, recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.promql.compiler import Expression
    from mcp_opentelemetry.alerts.promql.model import Storage
    from mcp_opentelemetry.alerts.rule import Group, Rule

Health = Literal["ok", "error", "no data", "warming", "unknown"]
_ALERTS: Final = "ALERTS"
_ALERTS_FOR_STATE: Final = "ALERTS_FOR_STATE"
_PATIENCE: Final = 5.0  # seconds that one rule may take
_NO_LABELS: Final[Labels] = ()


@dataclass(slots=True)
class RuleStatus:
    """What became of the last evaluation of a rule.

    Args:
        health: `no data` where nothing that the expression names is there, `warming` while its range is not covered.
        error: why there was no answer.
        failures: evaluations in a row without one.
    """

    health: Health = "unknown"
    error: str | None = None
    failures: int = 0


@dataclass(slots=True)
class _Entry:
    rule: Rule
    state: RuleState | None
    limit: int = 0
    status: RuleStatus = field(default_factory=RuleStatus)
    written: set[Labels] = field(default_factory=set[Labels])


class Engine:
    """Rules and the states of their alerts.

    Args:
        groups: evaluated in this order.
        storage: where series come from; what rules record is found beside them.
        shows_alerts: whether there are series of the alerts though no rule reads them.
    """

    def __init__(self, groups: Iterable[Group], storage: Storage, *, shows_alerts: bool = False) -> None:
        self.groups = list(groups)
        self._recorded = GivenStorage()
        self._storage = _Both(storage, self._recorded)
        self._entries = {
            id(group): [
                _Entry(rule, RuleState(rule, group.limit) if rule.is_alert else None, group.limit)
                for rule in group.rules
            ]
            for group in self.groups
        }
        selectors = [each for _, entry in self._all() for each in entry.rule.expression.selectors]
        self._read = {each.metric for each in selectors}
        self._shows_alerts = shows_alerts or bool(self._read & {_ALERTS, _ALERTS_FOR_STATE, None})
        self.seconds = 0.0
        self.evaluations = 0
        self.failures = 0

    def evaluate(
        self, groups: Iterable[Group], now: float, *, gap: float = 0.0, covered: float = math.inf
    ) -> list[Alert]:
        """Evaluate groups at a moment; returns the alerts that have begun or ceased to fire.

        Args:
            groups: some of ours.
            now: seconds since the epoch.
            gap: seconds before it in which nobody looked.
            covered: how far back the storage reaches by now, in seconds.
        """
        start = perf_counter()
        changed: list[Alert] = []
        evaluations: dict[float, Evaluation] = {}
        for group in groups:
            evaluation = evaluations.setdefault(group.offset, Evaluation(self._storage, now - group.offset))
            for entry in self._entries[id(group)]:
                self.evaluations += 1
                evaluation.deadline = perf_counter() + _PATIENCE
                try:
                    changed += self._evaluate_rule(entry, evaluation, now, gap, covered)
                except Exception as error:  # noqa: BLE001 (one bad rule stops no other; its alerts stay as they are)
                    entry.status.health, entry.status.error = "error", f"{type(error).__name__}: {error}"
                    entry.status.failures += 1
                    self.failures += 1
        self.seconds += perf_counter() - start
        return changed

    def alerts(self) -> list[Alert]:
        """Return all alerts: pending, firing, and resolved not long ago."""
        return [alert for _, entry in self._all() if entry.state is not None for alert in entry.state.alerts()]

    def statuses(self) -> list[tuple[Group, Rule, RuleStatus]]:
        """Return each rule with what became of its last evaluation."""
        return [(group, entry.rule, entry.status) for group, entry in self._all()]

    def restore(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Take over alerts of the process before this one; returns those whose rule is not here."""
        left: list[Alert] = []
        for alert in alerts:
            states = [entry.state for _, entry in self._all() if entry.state is not None]
            state = next((each for each in states if each.is_of(alert)), None)
            if state is None:
                left.append(alert)
            else:
                state.restore(alert)
        return left

    def query(self, expression: Expression, now: float) -> Vector | float:
        """Evaluate an expression at a moment, with what rules have recorded."""
        return expression.evaluate(Evaluation(self._storage, now))

    def forget(self, before: float) -> None:
        """Drop what was recorded before a moment."""
        self._recorded.forget(before)

    def _evaluate_rule(
        self, entry: _Entry, evaluation: Evaluation, now: float, gap: float, covered: float
    ) -> list[Alert]:
        value = entry.rule.expression.evaluate(evaluation)
        vector = cast("Vector", value) if isinstance(value, dict) else {_NO_LABELS: float(value)}
        reach = max((selector.reach for selector in entry.rule.expression.selectors), default=0.0)
        is_warm = covered >= reach
        changed: list[Alert] = []
        if entry.state is None:
            self._write(entry, recorded(entry.rule, vector, entry.limit), evaluation)
        else:
            changed = entry.state.advance(vector, now, gap=gap, may_resolve=is_warm)
            if self._shows_alerts:
                self._write(entry, dict(_series_of(entry.state.alerts())), evaluation)
        entry.status.health = "ok" if is_warm else "warming"
        if not vector and not self._has_data(entry.rule, evaluation):
            entry.status.health = "no data"
        entry.status.error, entry.status.failures = None, 0
        return changed

    def _write(self, entry: _Entry, series: dict[Labels, float], evaluation: Evaluation) -> None:
        """Store the series that a rule makes, and end those that it no longer makes."""
        for labels in entry.written - series.keys():
            self._recorded.add(labels, evaluation.time, None)
        for labels, value in series.items():
            self._recorded.add(labels, evaluation.time, value)
        written = {entry.rule.name} if entry.state is None else {_ALERTS, _ALERTS_FOR_STATE}
        if self._read & {*written, None}:
            evaluation.known.clear()  # the rules after this one see it
        entry.written = set(series)

    def _has_data(self, rule: Rule, evaluation: Evaluation) -> bool:
        selectors = rule.expression.selectors
        return not selectors or any(each.series(evaluation) for each in selectors)

    def _all(self) -> Iterator[tuple[Group, _Entry]]:
        for group in self.groups:
            for entry in self._entries[id(group)]:
                yield group, entry


class _Both:
    """Two storages as one."""

    def __init__(self, *storages: Storage) -> None:
        self._storages = storages

    def select(self, matchers: Sequence[Matcher]) -> Iterator[Series]:
        for storage in self._storages:
            yield from storage.select(matchers)

    def spreads(self, matchers: Sequence[Matcher], seconds: float) -> Any:
        find = getattr(self._storages[0], "spreads", None)
        return None if find is None else find(matchers, seconds)


def _series_of(alerts: Iterable[Alert]) -> Iterator[tuple[Labels, float]]:
    for alert in alerts:
        if alert.state != "resolved":
            yield labels_of({**alert.labels, "alertstate": alert.state, NAME: _ALERTS}), 1.0
            yield labels_of({**alert.labels, NAME: _ALERTS_FOR_STATE}), float(int(alert.active_since))
