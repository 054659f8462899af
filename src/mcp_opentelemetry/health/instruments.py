"""Health as metrics: `mcp.health.status` and how long each check takes. There is no convention for either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation, get_meter

from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, MeterProvider

    from mcp_opentelemetry.health.state import CheckState


def observe_health(states: Callable[[], Iterable[CheckState]], meter_provider: MeterProvider | None = None) -> None:
    """Report what is known of each check.

    Args:
        states: returns the checks.
        meter_provider: where they are reported; the global one if omitted.
    """

    def observe_status(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(int(state.status), {"check": state.name}) for state in states()]

    def observe_duration(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(state.duration, {"check": state.name}) for state in states() if state.check is not None]

    meter = get_meter("mcp_opentelemetry", __version__, meter_provider)
    meter.create_observable_gauge(
        "mcp.health.status", [observe_status], "1", "Health by check: 0 healthy, 1 degraded, 2 unhealthy."
    )
    meter.create_observable_gauge(
        "mcp.health.check.duration", [observe_duration], "s", "Time that the last run of a health check took."
    )
