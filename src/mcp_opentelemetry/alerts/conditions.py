"""Conditions in Python: what a rule file cannot say, because it is not a metric."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.alerts.alert import SEVERITY
from mcp_opentelemetry.alerts.promql.compiler import Expression
from mcp_opentelemetry.alerts.rules import Rule
from mcp_opentelemetry.alerts.states import RuleState
from mcp_opentelemetry.alerts.template import Template
from mcp_opentelemetry.user_call import UserCall

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Mapping

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.promql.model import Vector

_TIMEOUT: Final = 5.0  # seconds
_HOLDS: Final[Vector] = {(): 1.0}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the user's; `add_condition` says what each part means."""

    name: str
    function: Callable[[], Any]
    severity: str = "warning"
    hold: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    summary: str = ""

    def rule(self) -> Rule:
        """Return it as a rule, whose expression is evaluated elsewhere."""
        labels = {SEVERITY: self.severity, **self.labels}
        return Rule(
            self.name,
            is_alert=True,
            expression=Expression(f"condition {self.name}", lambda _: {}),
            hold=self.hold,
            labels={label: Template(value) for label, value in labels.items()},
            annotations={"summary": Template(self.summary)} if self.summary else {},
            place="add_condition",
        )


_conditions: dict[str, Condition] = {}
_lock = Lock()


def add_condition(
    name: str,
    condition: Callable[[], Any],
    severity: str = "warning",
    for_: float = 0.0,
    *,
    labels: Mapping[str, str] | None = None,
    summary: str = "",
) -> None:
    """Raise an alert while a condition holds: notified once when it begins to, and once when it no longer does.

    Args:
        name: `alertname`.
        condition: a function without arguments, async or not. It is called at each evaluation, every 15 seconds, and
            may ask `snapshot()` and `stats()`. What it returns is taken as true or false; of a number that is true,
            the alert shows the value. One that raises or takes longer than 5 seconds is logged, and the alert stays
            as it was.
        severity: the label of that name, such as `critical`, `warning` or `info`.
        for_: seconds that it must hold before the alert fires.
        labels: further labels.
        summary: a text for people, in which `{{ $value }}` stands for the value.

    Raises:
        ValueError: an argument makes no sense, or there is a condition of that name.
    """
    if not name or not name.isprintable():
        raise ValueError(f"condition {name!r}: a name has printable characters")
    if not callable(condition):
        raise ValueError(f"condition {name!r}: {condition!r} cannot be called")  # noqa: TRY004 (as documented)
    if not math.isfinite(for_) or for_ < 0:
        raise ValueError(f"condition {name!r}: for_={for_!r}; allowed: seconds, 0 or more")
    made = Condition(name, condition, severity, for_, dict(labels or {}), summary)
    made.rule()  # a bad template is told now
    with _lock:
        if name in _conditions:
            raise ValueError(f"condition {name!r}: another condition has that name already")
        _conditions[name] = made


def remove_condition(name: str) -> None:
    """Take a condition away; an alert of it is resolved.

    Raises:
        KeyError: there is no condition of that name.
    """
    with _lock:
        del _conditions[name]


def registered() -> list[Condition]:
    """Return the conditions that there are now."""
    with _lock:
        return list(_conditions.values())


class ConditionState:
    """A condition, its call in progress, and the state of its alert.

    Args:
        condition: the condition.
    """

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.state = RuleState(condition.rule())
        self.error: str | None = None
        self._call: UserCall | None = None
        self._has_told = False

    def start(self, loop: AbstractEventLoop | None) -> UserCall:
        """Call it, unless the last call is still under way; returns the call."""
        if self._call is None:
            self._call = UserCall(f"condition-{self.condition.name}", self.condition.function, _TIMEOUT, loop)
        return self._call

    def finish(self, now: float, gap: float = 0.0) -> list[Alert]:
        """Take over what the call has come to; returns the alert if it has begun or ceased to fire."""
        if (call := self._call) is None:
            return []
        if not call.ended.done():
            self.error = "timeout" if call.has_timed_out() else self.error
            return []
        self._call, result = None, call.ended.result()
        if result.error is not None:
            self.error = type(result.error).__name__
            return []
        self.error = None
        return self.state.advance(_vector_of(result.value), now, gap=gap)

    def news(self) -> str | None:
        """Return what has gone wrong, once until it goes well again."""
        is_new, self._has_told = self.error is not None and not self._has_told, self.error is not None
        return self.error if is_new else None


def _vector_of(value: Any) -> Vector:
    if not value:
        return {}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {(): float(value)}
    return _HOLDS
