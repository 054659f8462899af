"""The SDK that is installed, behind one face: a server with the same tools, and a client of the same kind."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import anyio

from tests.waiting import DEADLINE

SECRET = "alice@example.com"


def _version(name: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version(name).split(".")[:2])
    except PackageNotFoundError:
        return ()


MCP = _version("mcp")
FASTMCP = _version("fastmcp")

_begun: list[anyio.Event] = []
"""Set when the tool `wait` has been reached."""


def make_server() -> Any:  # noqa: C901 (many small tools)
    """Return a server of the highest-level framework that is installed."""
    if FASTMCP:
        from fastmcp import FastMCP
    elif MCP[0] == 1:
        from mcp.server.fastmcp import FastMCP
    else:
        from mcp.server import MCPServer as FastMCP
    server: Any = FastMCP("matrix")

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    def sync_add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    async def boom() -> int:
        raise KeyError(SECRET)

    @server.tool()
    async def invalid_inside() -> int:
        from pydantic import BaseModel

        class Model(BaseModel):
            number: int

        return Model.model_validate({"number": SECRET}).number

    @server.tool()
    async def times_out() -> int:
        raise TimeoutError(SECRET)

    @server.tool()
    async def wait() -> int:
        for begun in _begun:
            begun.set()
        await anyio.sleep_forever()
        return 0

    @server.resource("test://good")
    def good() -> str:
        return "good"

    @server.resource("test://bad")
    def bad() -> str:
        raise KeyError(SECRET)

    @server.prompt()
    def greet(name: str) -> str:
        return f"Greet {name}"

    return server


def make_http_app(server: Any) -> Any:
    """Return the server's app for streamable HTTP, at `/mcp`."""
    return server.http_app() if FASTMCP else server.streamable_http_app()


@asynccontextmanager
async def connect(server: Any, url: str | None) -> AsyncGenerator[Any]:
    """Connect a client, in memory if there is no URL; yields what has `call_tool`, `read_resource` and so on."""
    if FASTMCP:
        from fastmcp import Client

        async with Client(server if url is None else url) as client:
            yield client.session if FASTMCP[0] < 4 else client
    elif MCP[0] > 1:
        from mcp import Client

        async with Client(server if url is None else url) as client:
            yield client
    elif url is None:
        from mcp.shared.memory import create_connected_server_and_client_session

        async with create_connected_server_and_client_session(server._mcp_server) as session:
            yield session
    else:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamablehttp_client

        async with (
            streamablehttp_client(url) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            yield session


async def use(client: Any) -> None:
    """Do everything that the table has a row for; whatever the client raises is part of the scenario."""
    await client.list_tools()
    for tool, arguments in (
        ("add", {"a": 1, "b": 2}),
        ("sync_add", {"a": 1, "b": 2}),
        ("boom", {}),
        ("invalid_inside", {}),
        ("times_out", {}),
        ("add", {"a": SECRET, "b": 2}),
        ("no_such_tool", {}),
    ):
        await _quietly(client.call_tool, tool, arguments)
    await _quietly(client.read_resource, "test://good")
    await _quietly(client.read_resource, "test://bad")
    await _quietly(client.get_prompt, "greet", {"name": "Ada"})
    _begun.append(begun := anyio.Event())
    async with anyio.create_task_group() as group:
        group.start_soon(_quietly, client.call_tool, "wait", {})
        with anyio.fail_after(DEADLINE):
            await begun.wait()
        group.cancel_scope.cancel()


async def _quietly(call: Any, *args: Any) -> None:
    try:
        await call(*args)
    except Exception as error:  # noqa: BLE001
        print(f"{args[0]}: {type(error).__name__}", file=sys.stderr)
