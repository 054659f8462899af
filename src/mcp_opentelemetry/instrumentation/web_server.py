"""Where uvicorn starts and stops: readiness begins when it accepts requests, and ends with SIGTERM."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_opentelemetry.health.lifecycle import Lifecycle
    from mcp_opentelemetry.instrumentation.patches import Patches

OURS = "mcp_opentelemetry_server"
"""An attribute of the server behind the port of our own, whose start and end say nothing."""


class WebServers:
    """The uvicorn servers of this process.

    Args:
        lifecycle: what is told.
        accepting: called when a server has begun to accept requests.
        drain_seconds: returns how long SIGTERM is held back, so that load balancers see the probe fail first.
    """

    def __init__(self, lifecycle: Lifecycle, accepting: Callable[[], None], drain_seconds: Callable[[], float]) -> None:
        self._lifecycle = lifecycle
        self._accepting = guarded(accepting)
        self._drain_seconds = drain_seconds
        self._is_held_back = False

    def install(self, patches: Patches) -> None:
        """Put the seams in."""
        patches.wrap("uvicorn.server", "Server.startup", self._start)
        patches.wrap("uvicorn.server", "Server.handle_exit", self._handle_exit)
        patches.wrap("uvicorn.server", "Server.shutdown", self._shut_down)

    async def _start(self, wrapped: Callable[..., Awaitable[Any]], server: Any, args: Any, kwargs: Any) -> Any:
        if hasattr(server, OURS):
            return await wrapped(*args, **kwargs)
        self._lifecycle.starts()
        self._is_held_back = False
        try:
            result = await wrapped(*args, **kwargs)
        finally:
            self._lifecycle.started()
        self._accepting()
        return result

    def _handle_exit(self, wrapped: Callable[..., None], server: Any, args: Any, kwargs: Any) -> None:
        if not hasattr(server, OURS) and self._holds_back(wrapped, args, kwargs):
            return
        wrapped(*args, **kwargs)

    @guarded
    def _holds_back(self, wrapped: Callable[..., None], args: Any, kwargs: Any) -> bool:
        """Note the end, and put it off; a second signal, and Ctrl-C, are for people in a hurry."""
        self._lifecycle.drains()
        seconds = self._drain_seconds()
        if args[:1] != (signal.SIGTERM,) or seconds <= 0 or self._is_held_back:
            return False
        self._is_held_back = True
        timer = threading.Timer(seconds, wrapped, args, kwargs)
        timer.daemon = True
        timer.start()
        return True

    async def _shut_down(self, wrapped: Callable[..., Awaitable[Any]], server: Any, args: Any, kwargs: Any) -> Any:
        if not hasattr(server, OURS):
            self._lifecycle.drains()
        return await wrapped(*args, **kwargs)
