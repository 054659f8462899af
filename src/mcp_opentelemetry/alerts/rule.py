"""Rules and their groups, ready to be evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_opentelemetry.alerts.template import Template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_opentelemetry.alerts.promql.compiler import Expression


@dataclass(frozen=True, slots=True)
class Rule:
    """One alerting or recording rule.

    Args:
        name: of the alert, or of the metric that is recorded.
        is_alert: whether it is an alert.
        expression: what is evaluated.
        hold: seconds that the condition must hold before the alert fires.
        keep: seconds that it goes on firing without.
        labels: that are added.
        annotations: texts for people.
        place: the file and line, for messages.
    """

    name: str
    is_alert: bool
    expression: Expression
    hold: float = 0.0
    keep: float = 0.0
    labels: Mapping[str, Template] = field(default_factory=dict[str, Template])
    annotations: Mapping[str, Template] = field(default_factory=dict[str, Template])
    place: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, at one moment.

    Args:
        name: unique in its file.
        rules: in order.
        interval: seconds between evaluations; `None` for the usual.
        limit: how many alerts or series a rule may have; 0 for any.
        offset: seconds before the moment at which the rules are evaluated as if it were then.
        file: where it stands.
    """

    name: str
    rules: tuple[Rule, ...]
    interval: float | None = None
    limit: int = 0
    offset: float = 0.0
    file: str = ""
