"""A server of the installed SDK whose tools log in every way that there is; it knows nothing of us."""

from __future__ import annotations

import logging
import sys
from typing import Any

from tests.matrix import sdk

if sdk.FASTMCP:
    from fastmcp import Context, FastMCP
elif sdk.MCP[0] == 1:
    from mcp.server.fastmcp import Context, FastMCP
else:
    from mcp.server.mcpserver import Context
    from mcp.server.mcpserver import MCPServer as FastMCP

log = logging.getLogger("weather")
server: Any = FastMCP("chatty")


@server.tool()
async def chat(ctx: Context) -> str:
    """Log by the standard logger, and by the context."""
    log.info("first %s", "by logging", extra={"city": "Oslo", "password": "hunter2"})
    await ctx.info("second by context")
    log.debug("unheard")
    log.warning("third\nby logging")
    return "done"


@server.tool()
def chat_in_thread() -> str:
    """Log from where the SDK runs functions that are not async."""
    log.info("from a function")
    return "done"


@server.tool()
async def boom() -> str:
    """Fail, with what nobody may read."""
    raise KeyError(sdk.SECRET)


if __name__ == "__main__":
    print("a program that prints", file=sys.stderr)
    server.run("stdio")
