"""Where a server of mcp 2.x starts to serve, before its first message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.instrumentation.transports import marking_stdio

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.instrumentation.patches import Patches


def watch(patches: Patches, serving: Callable[[Any], None], on_stdio: Callable[[], Callable[[], None] | None]) -> None:
    """Report each start of a server, and the use of the standard streams for it.

    Args:
        patches: where the seams are put.
        serving: called with a low-level server that starts to serve.
        on_stdio: called when a server starts to serve on the standard streams; what it returns, when it stops.
            Neither may raise.
    """

    def run(wrapped: Callable[..., Any], server: Any, args: Any, kwargs: Any) -> Any:
        serving(server)
        return wrapped(*args, **kwargs)

    def run_manager(wrapped: Callable[..., Any], manager: Any, args: Any, kwargs: Any) -> Any:
        serving(getattr(manager, "app", None))
        return wrapped(*args, **kwargs)

    patches.wrap("mcp.server.lowlevel.server", "Server.run", run)
    patches.wrap("mcp.server.streamable_http_manager", "StreamableHTTPSessionManager.run", run_manager)
    # Imported by name all over: in its own module before others import it, and where they have.
    patches.replace_everywhere("mcp.server.stdio", "stdio_server", lambda original: marking_stdio(original, on_stdio))
