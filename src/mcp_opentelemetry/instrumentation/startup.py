"""Where a server of mcp 2.x starts to serve, before its first message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation.transports import is_on_stdio, marking_stdio

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from mcp_opentelemetry.health.lifecycle import Lifecycle
    from mcp_opentelemetry.instrumentation.patches import Patches


def watch(
    patches: Patches,
    serving: Callable[[Any], None],
    on_stdio: Callable[[], Callable[[], None] | None],
    lifecycle: Lifecycle,
) -> None:
    """Report each start of a server, and the use of the standard streams for it.

    Args:
        patches: where the seams are put.
        serving: called with a low-level server that starts to serve.
        on_stdio: called when a server starts to serve on the standard streams; what it returns, when it stops.
            Neither may raise.
        lifecycle: told how long a server on the standard streams takes to start.
    """

    def run(wrapped: Callable[..., Any], server: Any, args: Any, kwargs: Any) -> Any:
        _report_start(server, lifecycle)  # first: from then on a port of our own may be asked whether it is ready
        serving(server)
        return wrapped(*args, **kwargs)

    def run_manager(wrapped: Callable[..., Any], manager: Any, args: Any, kwargs: Any) -> Any:
        serving(getattr(manager, "app", None))
        return wrapped(*args, **kwargs)

    patches.wrap("mcp.server.lowlevel.server", "Server.run", run)
    patches.wrap("mcp.server.streamable_http_manager", "StreamableHTTPSessionManager.run", run_manager)
    # Imported by name all over: in its own module before others import it, and where they have.
    patches.replace_everywhere("mcp.server.stdio", "stdio_server", lambda original: marking_stdio(original, on_stdio))


@guarded
def _report_start(server: Any, lifecycle: Lifecycle) -> None:
    """Call a server on the standard streams starting until the lifespan of the user's has been entered."""
    if not is_on_stdio():
        return
    original = server.lifespan

    def lifespan(*args: Any) -> _Starting:
        server.lifespan = original
        return _Starting(original(*args), lifecycle)

    server.lifespan = lifespan
    lifecycle.starts()


class _Starting:
    """A lifespan whose beginning is the start of the server."""

    def __init__(self, lifespan: AbstractAsyncContextManager[Any], lifecycle: Lifecycle) -> None:
        self._lifespan = lifespan
        self._lifecycle = lifecycle

    async def __aenter__(self) -> Any:
        try:
            return await self._lifespan.__aenter__()
        finally:
            self._lifecycle.started()

    async def __aexit__(self, *error: object) -> bool | None:
        leave: Any = self._lifespan.__aexit__
        return await leave(*error)
