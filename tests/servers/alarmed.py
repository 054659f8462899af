"""A server with a condition that holds while the file `ALARM` is there; arguments as `stdio_or_http.py`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mcp.server import MCPServer

from mcp_opentelemetry import alerts

server = MCPServer("alarmed")
alerts.add_condition("alarm", lambda: Path(os.environ["ALARM"]).exists(), severity="critical", summary="it is there")


@server.tool()
async def add(a: int, b: int) -> int:
    return a + b


if __name__ == "__main__":
    transport, *port = sys.argv[1:]
    server.run(transport, **({"port": int(port[0])} if port else {}))
