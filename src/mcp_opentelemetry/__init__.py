"""OpenTelemetry distribution for Model Context Protocol servers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from mcp_opentelemetry.operations.tool import instrument_tool
    from mcp_opentelemetry.setup import configure

__all__ = ["__version__", "configure", "instrument_tool"]

_HOMES = {"configure": "mcp_opentelemetry.setup", "instrument_tool": "mcp_opentelemetry.operations.tool"}


def __getattr__(name: str) -> Any:
    # Late, because importing any part of the package runs this file, in every Python child of
    # `opentelemetry-instrument` and before the command line can answer Ctrl-C.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
