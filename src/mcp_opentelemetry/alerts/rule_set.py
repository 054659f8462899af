"""All rules of a process: ours, those of its objective, and the user's."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.rules import Rules, load_rules, parse_rules
from mcp_opentelemetry.alerts.slo import slo_rules
from mcp_opentelemetry.alerts.source import LONGEST

if TYPE_CHECKING:
    from mcp_opentelemetry.config import Settings

_OURS: Final = ("mcp_", "system_", "process_", "ALERTS")


def rules_of(settings: Settings) -> Rules:
    """Return all rules that the settings name: ours, those of the objective, and the user's."""
    rules = Rules()
    if settings.alert_defaults:
        text = files("mcp_opentelemetry.alerts").joinpath("default_rules.yaml").read_text(encoding="utf-8")
        parse_rules(text, "default rules", LONGEST, rules)
    if settings.slo is not None:
        parse_rules(slo_rules(settings.slo), "service-level objective", LONGEST, rules)
    given = load_rules(settings.alert_rules, LONGEST)
    return Rules([*rules.groups, *given.groups], [*rules.problems, *given.problems])


def unknown_metrics(rules: Rules) -> list[str]:
    """Return the metrics that rules ask for and that neither we measure nor other rules record."""
    all_rules = [rule for group in rules.groups for rule in group.rules]
    recorded = {rule.name for rule in all_rules if not rule.is_alert}
    asked = {selector.metric for rule in all_rules for selector in rule.expression.selectors}
    return sorted(name for name in asked if name and name not in recorded and not name.startswith(_OURS))
