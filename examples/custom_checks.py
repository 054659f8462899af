"""A health check, an alert condition and a log record of your own, in a server with a queue.

Run it over HTTP (port 8000, or the one in PORT), and look at /health and /dashboard:

    opentelemetry-instrument python examples/custom_checks.py
"""

import asyncio
import os

from mcp.server import MCPServer

import mcp_opentelemetry as mot

log = mot.get_logger("printer")
mcp = MCPServer("printer", version="1.0.0")
queue: asyncio.Queue[str] = asyncio.Queue()
paper = 3  # sheets
TOO_MANY = 2  # prints that nobody has fetched


@mot.health_check("paper", critical=True, ttl=0)
async def has_paper() -> bool:
    """Take the server out of rotation while it cannot print."""
    return paper > 0


mot.alerts.add_condition("Backlog", lambda: queue.qsize() > TOO_MANY, summary="nobody fetches the prints")


@mcp.tool()
async def print_page(text: str) -> int:
    """Print a page; returns how many wait to be fetched."""
    global paper  # noqa: PLW0603 (the printer has one tray)
    if paper == 0:
        raise RuntimeError("out of paper")
    paper -= 1
    queue.put_nowait(text)
    log.info("printed", waiting=queue.qsize())
    return queue.qsize()


@mcp.tool()
async def fetch() -> str:
    """Fetch the oldest print."""
    return queue.get_nowait()


if __name__ == "__main__":
    mcp.run("streamable-http", port=int(os.environ.get("PORT", "8000")))
