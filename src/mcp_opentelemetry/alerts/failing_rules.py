"""An alert about rules that cannot be evaluated: else their silence would look like health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.promql.compiler import Expression
from mcp_opentelemetry.alerts.rule import Rule
from mcp_opentelemetry.alerts.states import RuleState
from mcp_opentelemetry.alerts.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.engine import RuleStatus
    from mcp_opentelemetry.alerts.rule import Group

_FAILURES: Final = 3  # in a row
_RULE: Final = Rule(
    "McpAlertRuleFailing",
    is_alert=True,
    expression=Expression("rules that could not be evaluated three times in a row", lambda _: {}),
    labels={"severity": Template("warning")},
    annotations={"summary": Template("The rule {{ $labels.rule }} cannot be evaluated")},
    place="built in",
)


class FailingRules:
    """The state of that alert, one for each rule that fails."""

    def __init__(self) -> None:
        self._state = RuleState(_RULE)

    def alerts(self) -> list[Alert]:
        """Return the alerts."""
        return self._state.alerts()

    def advance(self, statuses: Iterable[tuple[Group, Rule, RuleStatus]], now: float) -> list[Alert]:
        """Take over how rules are; returns the alerts that have begun or ceased to fire.

        Args:
            statuses: of all rules.
            now: seconds since the epoch.
        """
        failing = {
            (("group", group.name), ("rule", rule.name)): float(status.failures)
            for group, rule, status in statuses
            if status.failures >= _FAILURES
        }
        return self._state.advance(failing, now)
