"""OpenTelemetry distribution for Model Context Protocol servers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from mcp_opentelemetry import alerts
    from mcp_opentelemetry.health.checks import health_check, remove_health_check
    from mcp_opentelemetry.logs.logger import get_logger
    from mcp_opentelemetry.operations.tool import instrument_tool
    from mcp_opentelemetry.setup import configure
    from mcp_opentelemetry.summary import snapshot, stats

__all__ = [
    "__version__",
    "alerts",
    "configure",
    "get_logger",
    "health_check",
    "instrument_tool",
    "remove_health_check",
    "snapshot",
    "stats",
]

_HOMES = {
    "configure": "mcp_opentelemetry.setup",
    "get_logger": "mcp_opentelemetry.logs.logger",
    "health_check": "mcp_opentelemetry.health.checks",
    "instrument_tool": "mcp_opentelemetry.operations.tool",
    "remove_health_check": "mcp_opentelemetry.health.checks",
    "snapshot": "mcp_opentelemetry.summary",
    "stats": "mcp_opentelemetry.summary",
}


def __getattr__(name: str) -> Any:
    # Late, because importing any part of the package runs this file, in every Python child of
    # `opentelemetry-instrument` and before the command line can answer Ctrl-C.
    if name == "alerts":
        return import_module("mcp_opentelemetry.alerts")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
