"""A client connected to a server in this process, over each transport; those over HTTP use a real socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from mcp import Client
from mcp.client.sse import sse_client
from mcp.server import MCPServer
from starlette.applications import Starlette

from tests.http_server import served

Connect = Callable[[MCPServer], AbstractAsyncContextManager[Client]]

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"


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
