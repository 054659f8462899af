"""Alerts: Prometheus rules and conditions in Python, evaluated in process and delivered at least once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_opentelemetry.alerts.api import add_receiver, check
    from mcp_opentelemetry.alerts.conditions import add_condition, remove_condition

__all__ = ["add_condition", "add_receiver", "check", "remove_condition"]

_HOMES = {
    "add_condition": "mcp_opentelemetry.alerts.conditions",
    "add_receiver": "mcp_opentelemetry.alerts.api",
    "check": "mcp_opentelemetry.alerts.api",
    "remove_condition": "mcp_opentelemetry.alerts.conditions",
}


def __getattr__(name: str) -> Any:
    # Late: neither YAML nor PromQL is needed by a process that serves no MCP.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
