"""A server of MCPServer: `stdio_or_http.py stdio`, `... streamable-http PORT` or `... sse PORT`."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading

from footprint import footprint
from mcp.server.mcpserver import MCPServer
from opentelemetry._logs import get_logger

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
async def note(text: str) -> None:
    """Write a log record of OpenTelemetry's."""
    get_logger("arithmetic").emit(severity_text="INFO", body=text)


@mcp.tool()
async def look_inside() -> str:
    """Say what this process is made of."""
    return json.dumps(footprint())


@mcp.tool()
async def signal_a_thread() -> None:
    """Let another thread than the event loop's receive SIGTERM, a while after the answer."""
    threading.Timer(1, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)).start()


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
