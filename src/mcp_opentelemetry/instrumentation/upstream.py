"""Every private name of mcp and OpenTelemetry that we touch, in one place.

A test asks each whether it still exists. At run time a name that has gone costs what is said beside it, no more.
"""

from __future__ import annotations

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
        names = getattr(getattr(init, "__code__", None), "co_names", ())
        annotations = getattr(found, "__annotations__", {})
        return self.attribute in names or self.attribute in annotations

    def __str__(self) -> str:
        return f"{self.module}:{self.path}" + (f"().{self.attribute}" if self.attribute else "")


PRIVATE_NAMES: Final = (
    Private("mcp.server.runner", "ServerRunner._compose_server_middleware", "tool names on low-level servers"),
    Private("mcp.server._otel", "OpenTelemetryMiddleware.__call__", "the native span stays, beside ours"),
    Private("mcp.server.session", "ServerSession", "spans, until mended", "_connection"),
    Private("mcp.server.session", "ServerSession", "spans, until mended", "_request_outbound"),
    Private("mcp.server.runner", "_NoServerRequestsDispatchContext", "in-process calls look like stdio", "_inner"),
    Private("mcp.server.mcpserver.server", "MCPServer", "names of prompts", "_prompt_manager"),
    Private("mcp.server.mcpserver.server", "MCPServer", "names of tools before mcp 2.3", "_tool_manager"),
    Private("opentelemetry.sdk._configuration", "_OTelSDKConfigurator._configure", "the whole set-up"),
)
