"""The port of our own, opened as the settings say; a clash keeps nobody from serving."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from mcp_opentelemetry.config import ENDPOINTS
from mcp_opentelemetry.http.routes import make_routes
from mcp_opentelemetry.http.server import HttpServer

if TYPE_CHECKING:
    from mcp_opentelemetry.runtime import Runtime

_logger = logging.getLogger("mcp_opentelemetry")


def open_port(runtime: Runtime, host: str, port: int) -> HttpServer | None:
    """Return what serves all endpoints there; `None`, with a warning, if the port cannot be had.

    Args:
        runtime: what they report on.
        host: the address to listen on.
        port: the port; 0 for any free one.
    """
    try:
        server = HttpServer(make_routes(runtime, ENDPOINTS, on_own_port=True), host, port)
    except OSError as error:
        _logger.warning("cannot listen on %s port %d (%s): /metrics is not served there", host, port, error)
        return None
    # Not by logging, which may be off: a port that nobody knows is no use.
    print(f"mcp-opentelemetry: {server.url}/metrics", file=sys.stderr, flush=True)  # noqa: T201 (not stdout)
    return server
