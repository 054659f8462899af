"""Every private name of mcp, fastmcp and OpenTelemetry that we touch, in one place.

A test asks each whether it still exists. At run time a name that has gone costs what is said beside it, no more.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import Final


@dataclass(frozen=True)
class Private:
    """A private name of a package.

    Args:
        module: the module that has it.
        path: the name in it.
        attribute: an attribute that instances of it set, as it stands in the source of the class.
        without: what is lost when it has gone.
    """

    module: str
    path: str
    without: str
    attribute: str | None = None

    def exists(self) -> bool:
        """Return whether the installed version has it; imports the module."""
        found: object = import_module(self.module)
        for part in self.path.split("."):
            found = getattr(found, part, None)
        if found is None or self.attribute is None:
            return found is not None
        init = getattr(found, "__init__", None)
        names = getattr(getattr(inspect.unwrap(init), "__code__", None), "co_names", ()) if init else ()
        annotations = getattr(found, "__annotations__", {})
        return self.attribute in names or self.attribute in annotations

    def __str__(self) -> str:
        return f"{self.module}:{self.path}" + (f"().{self.attribute}" if self.attribute else "")


_OURS = "spans of what is sent"
_FORKED = "counts from zero in a forked child"
_NAMED = "the name of a worker that is forked, where the user has named the process"
_CONSUMER = "opentelemetry.sdk.metrics._internal.measurement_consumer"

# By the package and major version that has them.
PRIVATE_NAMES: Final = {
    "opentelemetry": (
        Private("opentelemetry.sdk._configuration", "_OTelSDKConfigurator._configure", "the whole set-up"),
        Private("opentelemetry.exporter.prometheus._mapping", "map_unit", "alerts"),
        Private("opentelemetry.exporter.prometheus._mapping", "sanitize_full_name", "alerts"),
        Private("opentelemetry.exporter.prometheus._mapping", "sanitize_attribute", "alerts"),
        Private("opentelemetry.sdk.metrics", "MeterProvider", _FORKED, "_measurement_consumer"),
        Private(_CONSUMER, "SynchronousMeasurementConsumer", _FORKED, "_async_instruments"),
        Private(_CONSUMER, "SynchronousMeasurementConsumer", _FORKED, "_reader_storages"),
        Private(_CONSUMER, "SynchronousMeasurementConsumer", _FORKED, "_sdk_config"),
        Private("opentelemetry.sdk.metrics.export", "PeriodicExportingMetricReader", _FORKED, "_export_lock"),
        Private("opentelemetry.sdk.metrics", "MeterProvider._update_resource", _NAMED),
        Private("opentelemetry.sdk.trace", "TracerProvider._update_resource", _NAMED),
        Private("opentelemetry.sdk._logs", "LoggerProvider._update_resource", _NAMED),
    ),
    "mcp 1": (
        Private("mcp.server.lowlevel.server", "Server._handle_message", "spans of what is handled"),
        Private("mcp.server.lowlevel.server", "Server._make_error_result", "classes of tools' exceptions"),
        Private("mcp.server.lowlevel.server", "Server", "names of tools", "_tool_cache"),
        Private("mcp.server.session", "ServerSession._received_request", "spans of initialize, sessions"),
        Private("mcp.server.session", "ServerSession", "protocol versions", "_client_params"),
        Private("mcp.client.session", "ClientSession._received_request", "spans of what servers ask"),
        Private("mcp.shared.session", "BaseSession", _OURS, "_request_id"),
    ),
    "mcp 2": (
        Private("mcp.server.runner", "ServerRunner._compose_server_middleware", "names of low-level servers' tools"),
        Private("mcp.server._otel", "OpenTelemetryMiddleware.__call__", "the native span stays, beside ours"),
        Private("mcp.server.session", "ServerSession", "spans of what is handled over HTTP", "_connection"),
        Private("mcp.server.session", "ServerSession", "spans of what is handled on stdio", "_request_outbound"),
        Private("mcp.server.runner", "_NoServerRequestsDispatchContext", "in-process calls look like stdio", "_inner"),
        Private("mcp.server.mcpserver.server", "MCPServer", "names of prompts", "_prompt_manager"),
        Private("mcp.server.mcpserver.server", "MCPServer", "names of tools before mcp 2.3", "_tool_manager"),
        Private("mcp.shared.jsonrpc_dispatcher", "otel_span", "the native span stays, beside ours"),
        Private("mcp.client.session", "ClientSession._on_request", "spans of what servers ask"),
        Private("mcp.client.session", "ClientSession", "sessions of clients", "_dispatcher"),
    ),
    "fastmcp 2": (Private("fastmcp.server.http", "create_streamable_http_app", "endpoints on the app"),),
    "fastmcp 3": (
        Private("fastmcp.server.http", "create_streamable_http_app", "endpoints on the app"),
        Private("fastmcp.server.telemetry", "get_tracer", "fastmcp's own spans stay, beside ours"),
        Private("fastmcp.client.telemetry", "get_tracer", "fastmcp's own spans stay, beside ours"),
    ),
    "fastmcp 4": (
        Private("fastmcp.server.http", "create_streamable_http_app", "endpoints on the app"),
        Private("fastmcp.server.telemetry", "get_tracer", "fastmcp's own spans stay, beside ours"),
        Private("fastmcp.client.telemetry", "get_tracer", "fastmcp's own spans stay, beside ours"),
        Private("fastmcp.server.server", "FastMCP.call_tool", "classes of tools' exceptions, names of tools"),
    ),
}
