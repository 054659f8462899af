"""A server whose tools log: `chatty.py stdio`, or `chatty.py streamable-http PORT`."""

from __future__ import annotations

import logging
import sys
import threading

from mcp.server.mcpserver import MCPServer

import mcp_opentelemetry as mot

SECRET = "alice@example.com"
log = mot.get_logger("weather")
mcp = MCPServer("chatty")
is_ill = threading.Event()


@mcp.tool()
async def fetch(city: str) -> str:
    """Log a line."""
    log.info("fetched", city=city, token="hunter2")
    return "sunny"


@mcp.tool()
async def flood(lines: int) -> str:
    """Log a lot."""
    for number in range(lines):
        logging.getLogger("flood").info("%06d %s", number, "x" * 1000)
    return "done"


@mcp.tool()
async def boom() -> str:
    """Fail, with what nobody may read."""
    raise KeyError(SECRET)


@mcp.tool()
async def fall_ill() -> str:
    """Make the health check fail from now on."""
    is_ill.set()
    return "ill"


@mot.health_check("database", ttl=0)
def database() -> bool:
    """Say whether all is well."""
    return not is_ill.is_set()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["stdio"]:
            mcp.run("stdio")
        case ["streamable-http", port]:
            mcp.run("streamable-http", port=int(port))
        case _:
            sys.exit(__doc__)
