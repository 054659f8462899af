"""A port of our own, in a thread: for stdio servers, and for a loop that hangs."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Final

import uvicorn
from starlette.applications import Starlette

from mcp_opentelemetry.forks import in_child
from mcp_opentelemetry.instrumentation.web_server import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import BaseRoute

_THREAD: Final = "mcp-opentelemetry-http"
_LOGGERS: Final = (logging.getLogger("uvicorn.error"), logging.getLogger("uvicorn.access"))


class HttpServer:
    """Serves routes on a port of its own until it is closed.

    Args:
        routes: what it serves.
        host: the address to listen on.
        port: the port; 0 for any free one.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(self, routes: Sequence[BaseRoute], host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        self.url = f"http://{shown}:{self.port}"
        config = uvicorn.Config(
            Starlette(routes=list(routes)),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,  # the host's loggers are the host's
            limit_concurrency=64,
            # Whether a proxy is in between is decided by its headers, so the peer's address must stay the peer's.
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        setattr(self._server, OURS, True)
        self._thread = threading.Thread(target=self._serve, name=_THREAD, daemon=True)
        # Not by access_log=False, which takes the handlers off the access log of the host's server too.
        for logger in _LOGGERS:
            logger.addFilter(self._is_of_others)
        self._thread.start()
        in_child(self._leave_to_parent)

    def close(self) -> None:
        """Stop to serve; returns when the port is free."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
        if not self._thread.is_alive():  # or it would still have its end to tell
            for logger in _LOGGERS:
                logger.removeFilter(self._is_of_others)

    def _leave_to_parent(self) -> None:
        # Or a child that outlives its parent would keep the port, and answer nobody.
        self._socket.close()

    def _serve(self) -> None:
        with self._socket:
            self._server.run(sockets=[self._socket])

    def _is_of_others(self, record: logging.LogRecord) -> bool:
        """Return whether a record of uvicorn's is not just news of this server, which would look like the host's."""
        return threading.current_thread() is not self._thread or record.levelno > logging.INFO
