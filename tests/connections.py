"""A client connected to a server in this process, over each transport; those over HTTP use a real socket."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import anyio
import uvicorn
from mcp import Client
from mcp.client.sse import sse_client
from mcp.server import MCPServer
from starlette.applications import Starlette

Connect = Callable[[MCPServer], AbstractAsyncContextManager[Client]]

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"


class _Server(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def served(app: Any) -> AsyncGenerator[str]:
    """Serve an ASGI app with uvicorn on a free port of the loopback address; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve, [listener])
        with anyio.fail_after(10):
            await server.ready.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True


@asynccontextmanager
async def in_process(server: MCPServer) -> AsyncGenerator[Client]:
    async with Client(server) as client:
        yield client


@asynccontextmanager
async def in_memory(server: MCPServer) -> AsyncGenerator[Client]:
    async with Client(server, mode="legacy") as client:
        yield client


@asynccontextmanager
async def http_modern(server: MCPServer) -> AsyncGenerator[Client]:
    async with served(server.streamable_http_app()) as url, Client(f"{url}/mcp") as client:
        yield client


@asynccontextmanager
async def http_legacy(server: MCPServer) -> AsyncGenerator[Client]:
    async with served(server.streamable_http_app()) as url, Client(f"{url}/mcp", mode="legacy") as client:
        yield client


@asynccontextmanager
async def http_stateless(server: MCPServer) -> AsyncGenerator[Client]:
    app: Starlette = server.streamable_http_app(stateless_http=True)
    async with served(app) as url, Client(f"{url}/mcp", mode="legacy") as client:
        yield client


@asynccontextmanager
async def sse(server: MCPServer) -> AsyncGenerator[Client]:
    async with served(server.sse_app()) as url, Client(sse_client(f"{url}/sse"), mode="legacy") as client:
        yield client


ALL: Final[list[Connect]] = [in_process, in_memory, http_modern, http_legacy, http_stateless, sse]
