"""A server of tools whose names were chosen to harm whoever shows them: `hostile.py streamable-http PORT`."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Final

from mcp.server.mcpserver import MCPServer

NAMES: Final = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "</title></table><h1>owned</h1>",
    '" onmouseover="alert(1)',
    "javascript:alert(1)",
    "&lt;b&gt; &amp;",
    "__proto__",
    "constructor",
    "toString",
    "a.b",
    "404",
    "{{7*7}} ${7*7}",
    "🌦️ weather 🌍",
    "שלום عالم",
    "\u202egnp.exe",
    "long " + "name" * 60,
)


def make_server() -> MCPServer:
    """Return a server of such tools: each succeeds, or fails with an exception whose class has the tool's own name."""
    # The SDK warns of such names, at length.
    logging.getLogger("mcp.shared.tool_name_validation").setLevel(logging.ERROR)
    server = MCPServer("<b>hostile</b>", version="<i>1</i>")
    for name in NAMES:

        def tool(*, fail: bool = False, seconds: float = 0, name: str = name) -> str:
            if fail:
                raise type(name, (Exception,), {})
            return "done"

        server.add_tool(tool, name)

    @server.tool()
    async def slow(seconds: float) -> str:
        """Take a while."""
        await asyncio.sleep(seconds)
        return "done"

    return server


if __name__ == "__main__":
    make_server().run("streamable-http", port=int(sys.argv[2]))
