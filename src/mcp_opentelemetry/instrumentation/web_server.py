"""Where uvicorn starts and stops: readiness begins when it accepts requests, and ends with SIGTERM."""

from __future__ import annotations

import signal
import threading
from types import MethodType
from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from types import FrameType

    from mcp_opentelemetry.health.lifecycle import Lifecycle
    from mcp_opentelemetry.instrumentation.patches import Patches

OURS = "mcp_opentelemetry_server"
"""An attribute of the server behind the port of our own, whose start and end say nothing."""


class WebServers:
    """The uvicorn servers of this process.

    Args:
        lifecycle: what is told.
        before: called when a server is about to take the signals over, and to run.
        accepting: called with the ports when a server has begun to accept requests.
        ended: called when a server has ended; after it, uvicorn may let a signal end the process.
        drain_seconds: returns how long SIGTERM is held back, so that load balancers see the probe fail first.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        *,
        before: Callable[[], None],
        accepting: Callable[[Collection[int]], None],
        ended: Callable[[], None],
        drain_seconds: Callable[[], float],
    ) -> None:
        self._lifecycle = lifecycle
        self._before_it_runs = before
        self._accepting = guarded(accepting)
        self._ended = guarded(ended)
        self._drain_seconds = drain_seconds
        self._is_held_back = False

    def install(self, patches: Patches) -> None:
        """Put the seams in."""
        patches.wrap("uvicorn.server", "Server.serve", self._serve)
        patches.wrap("uvicorn.server", "Server.startup", self._start)
        patches.wrap("uvicorn.server", "Server.shutdown", self._shut_down)

    def _serve(self, wrapped: Callable[..., Awaitable[Any]], server: Any, args: Any, kwargs: Any) -> Awaitable[Any]:
        if not hasattr(server, OURS):
            # After its end uvicorn gives a signal back to whoever had it before; in gunicorn's workers, to nobody.
            self._before_it_runs()
        return wrapped(*args, **kwargs)

    async def _start(self, wrapped: Callable[..., Awaitable[Any]], server: Any, args: Any, kwargs: Any) -> Any:
        if hasattr(server, OURS):
            return await wrapped(*args, **kwargs)
        self._lifecycle.starts()
        self._is_held_back = False
        self._listen(server)
        try:
            result = await wrapped(*args, **kwargs)
        finally:
            self._lifecycle.started()
        self._accepting(_ports_of(server))
        return result

    @guarded
    def _listen(self, server: Any) -> None:
        """Hear of signals before uvicorn's handlers do.

        Not by a patch on `Server.handle_exit`: sse-starlette puts its own in front, which ends every stream at once.
        """
        for signum in (signal.SIGINT, signal.SIGTERM):
            handler: Any = signal.getsignal(signum)
            if getattr(handler, "__self__", None) is server:
                # A method of the server again: by that sse-starlette finds out which server runs.
                signal.signal(signum, MethodType(self._before(handler), server))

    def _before(self, handler: Callable[[int, FrameType | None], None]) -> Callable[..., None]:
        def handle(_server: Any, signum: int, frame: FrameType | None) -> None:
            if not self._holds_back(handler, signum, frame):
                handler(signum, frame)

        return handle

    @guarded
    def _holds_back(
        self, handler: Callable[[int, FrameType | None], None], signum: int, frame: FrameType | None
    ) -> bool:
        """Note the end, and put it off; a second signal, and Ctrl-C, are for people in a hurry."""
        self._lifecycle.drains()
        seconds = self._drain_seconds()
        if signum != signal.SIGTERM or seconds <= 0 or self._is_held_back:
            return False
        self._is_held_back = True
        timer = threading.Timer(seconds, handler, (signum, frame))
        timer.daemon = True
        timer.start()
        return True

    async def _shut_down(self, wrapped: Callable[..., Awaitable[Any]], server: Any, args: Any, kwargs: Any) -> Any:
        if not hasattr(server, OURS):
            self._lifecycle.drains()
        try:
            return await wrapped(*args, **kwargs)
        finally:
            if not hasattr(server, OURS):
                self._ended()


def _ports_of(server: Any) -> set[int]:
    addresses = [sock.getsockname() for listener in getattr(server, "servers", ()) for sock in listener.sockets]
    return {address[1] for address in addresses if isinstance(address, tuple)}  # a Unix socket's is a path
