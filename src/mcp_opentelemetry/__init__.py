"""OpenTelemetry distribution for Model Context Protocol servers."""

from mcp_opentelemetry.operations.tool import instrument_tool
from mcp_opentelemetry.setup import configure
from mcp_opentelemetry.version import __version__

__all__ = ["__version__", "configure", "instrument_tool"]
