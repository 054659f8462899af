"""A server of MCPServer: `stdio_or_http.py stdio`, `... streamable-http PORT` or `... sse PORT`."""

from __future__ import annotations

import asyncio
import sys
import threading

from mcp.server.mcpserver import MCPServer

mcp = MCPServer("arithmetic")


@mcp.tool()
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@mcp.tool()
def sync_add(a: int, b: int) -> int:
    """Add two numbers in a worker thread."""
    return a + b


@mcp.tool()
async def boom() -> str:
    """Fail."""
    raise KeyError("no such thing")


@mcp.tool()
async def slow(seconds: float) -> str:
    """Take a while."""
    await asyncio.sleep(seconds)
    return "done"


@mcp.tool()
async def threads() -> list[str]:
    """Name the threads of this process."""
    return sorted(thread.name for thread in threading.enumerate())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["stdio"]:
            mcp.run("stdio")
        case ["streamable-http", port]:
            mcp.run("streamable-http", port=int(port))
        case ["sse", port]:
            mcp.run("sse", port=int(port))
        case _:
            sys.exit(__doc__)
