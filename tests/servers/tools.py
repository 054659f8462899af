"""A server with a tool for each way a call can end."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

SECRET = "alice@example.com"


class Model(BaseModel):
    number: int


@dataclass
class Waiting:
    """A tool that waits until it is cancelled, and says when it has begun."""

    begun: anyio.Event = field(default_factory=anyio.Event)


def make_server(name: str = "tools", waiting: Waiting | None = None) -> MCPServer:  # noqa: C901 (many small tools)
    server = MCPServer(name, version="1.2.3")

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    def sync_add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    async def boom() -> None:
        raise KeyError(SECRET)

    @server.tool()
    def sync_boom() -> None:
        raise KeyError(SECRET)

    @server.tool()
    async def deliberate() -> None:
        raise ToolError(SECRET)

    @server.tool()
    async def returns_error() -> CallToolResult:
        return CallToolResult(content=[TextContent(type="text", text=SECRET)], is_error=True)

    @server.tool()
    async def invalid_inside() -> None:
        Model.model_validate({"number": SECRET})

    @server.tool()
    async def times_out() -> None:
        with anyio.fail_after(0):
            await anyio.sleep_forever()

    @server.tool()
    async def protocol_error() -> None:
        raise MCPError(-32050, SECRET)

    @server.tool()
    async def wait() -> None:
        if waiting is not None:
            waiting.begun.set()
        await anyio.sleep_forever()

    @server.tool()
    async def ask_back(ctx: Context) -> None:
        await ctx.session.send_ping()

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
