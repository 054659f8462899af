"""Evaluates rules and conditions again and again, and hands what changes to those who deliver it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import RLock
from time import monotonic, perf_counter, time
from typing import TYPE_CHECKING, Final, Protocol

from mcp_opentelemetry.alerts import conditions
from mcp_opentelemetry.alerts.conditions import ConditionState
from mcp_opentelemetry.alerts.engine import Engine
from mcp_opentelemetry.alerts.failing_rules import FailingRules
from mcp_opentelemetry.alerts.rule_set import rules_of, unknown_metrics
from mcp_opentelemetry.alerts.source import LONGEST, WindowStorage
from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.system.ticker import Chore, Ticker

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable, Sequence

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.rule import Group
    from mcp_opentelemetry.config import Settings

_PATIENCE: Final = 2.0  # seconds for conditions to answer; later answers count at the next evaluation
_logger = logging.getLogger("mcp_opentelemetry.alerts")


class Delivery(Protocol):
    """Who brings news of alerts to people."""

    def publish(self, transitions: Sequence[Alert], active: Sequence[Alert]) -> None:
        """Take over what has changed, and all alerts that fire, or did until not long ago."""

    def restore(self) -> list[Alert]:
        """Return the alerts that were firing when the process before this one ended."""
        ...


class Evaluator:
    """The rules and conditions of this process.

    Args:
        settings: which rules there are.
        storage: what they are evaluated over.
        collect: brings the storage up to date.
        loop: returns the event loop that serves, if one does.
        delivery: told of everything.
    """

    def __init__(
        self,
        settings: Settings,
        storage: WindowStorage,
        collect: Callable[[], None],
        loop: Callable[[], AbstractEventLoop | None],
        delivery: Delivery,
    ) -> None:
        self._collect = guarded(collect)  # alerts are told of again whatever fails
        self._loop = loop
        self._storage = storage
        self._delivery = delivery
        self._interval = settings.alert_interval
        self._lock = RLock()
        self._last: dict[float, float] = {}
        self._conditions: dict[str, ConditionState] = {}
        self._failing = FailingRules()
        self._orphans: list[Alert] = []
        self._ticker: Ticker | None = None
        self._known: tuple[Alert, ...] = ()
        self.seconds = 0.0
        self.evaluated: float | None = None
        self.rules = rules_of(settings)
        for problem in self.rules.problems:
            _logger.warning("%s", problem)
        if unknown := unknown_metrics(self.rules):
            _logger.warning(
                "rules ask for %s: unless this process measures that itself, it is empty here; Prometheus may have it",
                ", ".join(unknown),
            )
        self.engine = Engine(self.rules.groups, storage)

    def start(self) -> None:
        """Begin to evaluate, each group at its own interval."""
        self._restore(self._delivery.restore())
        by_interval: defaultdict[float, list[Group]] = defaultdict(list)
        by_interval[self._interval] = []
        for group in self.engine.groups:
            by_interval[group.interval or self._interval].append(group)
        chores = [Chore(interval, partial(self.evaluate, interval, groups)) for interval, groups in by_interval.items()]
        self._ticker = Ticker("mcp-opentelemetry-alerts", chores)

    def close(self) -> None:
        """Stop to evaluate."""
        if self._ticker is not None:
            self._ticker.close()
            self._ticker = None

    def check(self) -> list[Alert]:
        """Evaluate everything now; returns the alerts that are pending or firing."""
        self.evaluate(self._interval, self.engine.groups)
        return [alert for alert in self.alerts() if alert.state != "resolved"]

    def alerts(self) -> Sequence[Alert]:
        """Return all alerts as of the last evaluation: pending, firing, and resolved not long ago."""
        return self._known

    def condition_states(self) -> dict[str, str | None]:
        """Return what is wrong with each condition, by its name; `None` where nothing is."""
        with self._lock:
            return {name: state.error for name, state in self._conditions.items()}

    def evaluate(self, interval: float, groups: Sequence[Group]) -> None:
        """Evaluate groups, and the conditions if it is their turn.

        Args:
            interval: seconds between two evaluations of these groups.
            groups: some of the engine's.
        """
        start = perf_counter()
        self._collect()
        has_conditions = interval == self._interval
        if has_conditions:
            self._ask_conditions()  # without the lock: a condition may ask for the snapshot, which shows alerts
        with self._lock:
            now = time()
            elapsed = now - self._last.get(interval, now)
            # A process that was suspended, and a clock that was set: nobody looked in between.
            gap = elapsed - interval if not 0 <= elapsed <= 2 * interval else 0.0
            self._last[interval] = now
            changed = self.engine.evaluate(groups, now, gap=gap, covered=self._storage.covered())
            self.engine.forget(now - LONGEST)
            if has_conditions:
                changed += self._finish_conditions(now, gap)
            changed += self._failing.advance(self.engine.statuses(), now)
            changed += self._let_go(now)
            of_conditions = [alert for state in self._conditions.values() for alert in state.state.alerts()]
            self._known = (*self.engine.alerts(), *of_conditions, *self._failing.alerts())
            self.evaluated = now
            self.seconds += perf_counter() - start
        self._delivery.publish(changed, [alert for alert in self._known if alert.state != "pending"])

    def _restore(self, alerts: Iterable[Alert]) -> None:
        """Give alerts of the process before this one back to their rules; those whose rule has gone are resolved."""
        by_condition = {f"condition {condition.name}": condition for condition in conditions.registered()}
        for alert in self.engine.restore(alerts):
            if condition := by_condition.get(alert.expression):
                self._conditions.setdefault(condition.name, ConditionState(condition)).state.restore(alert)
            elif alert.state == "firing":
                self._orphans.append(alert)

    def _let_go(self, now: float) -> list[Alert]:
        resolved = [replace(alert, state="resolved", resolved_at=now) for alert in self._orphans]
        self._orphans = []
        return resolved

    def _ask_conditions(self) -> None:
        with self._lock:
            for condition in conditions.registered():
                known = self._conditions.get(condition.name)
                if known is None or known.condition is not condition:
                    self._conditions[condition.name] = ConditionState(condition)
            # Asked from the very loop, an async condition could never answer there.
            loop = self._loop()
            states = list(self._conditions.values())
            calls = [state.start(None if loop is _running_loop() else loop) for state in states]
        deadline = monotonic() + _PATIENCE
        for call in calls:
            with suppress(FutureTimeoutError):  # it counts at the next evaluation
                call.ended.result(max(0.0, deadline - monotonic()))

    def _finish_conditions(self, now: float, gap: float) -> list[Alert]:
        present = {condition.name for condition in conditions.registered()}
        changed: list[Alert] = []
        for name, state in list(self._conditions.items()):
            if name not in present:
                changed += state.state.advance({}, now)
                del self._conditions[name]
                continue
            changed += state.finish(now, gap)
            if (news := state.news()) is not None:
                _logger.warning("the alert condition %s has failed (%s); its alert stays as it was", name, news)
        return changed


def _running_loop() -> AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
