"""A client that uses the example's tools as people do: mostly well, sometimes not."""

from __future__ import annotations

from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

if TYPE_CHECKING:
    from mcp_opentelemetry.demo.stop import Stop

_PAUSE_SECONDS: Final = 0.13
_TIMEOUT_SECONDS: Final = 10.0

# The first few show everything, for those who look only for a moment.
_CALLS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("current", {"city": "Oslo"}),
    ("fahrenheit", {"celsius": 4.0}),
    ("forecast", {"city": "Lisbon"}),
    ("current", {"city": "Atlantis"}),
    ("fahrenheit", {"celsius": "mild"}),
    ("tomorrow", {"city": "Oslo"}),
    ("current", {"city": "Lima"}),
    ("fahrenheit", {"celsius": 19.5}),
    ("current", {"city": "Nairobi"}),
    ("forecast", {"city": "Nairobi", "days": 7}),
    ("current", {"city": "Lisbon"}),
    ("fahrenheit", {"celsius": 18.5}),
    ("current", {"city": "El Dorado"}),
    ("current", {"city": "Oslo"}),
    ("fahrenheit", {"celsius": 23.0}),
    ("current", {"city": "Lima"}),
)


async def call_tools(url: str, stop: Stop) -> None:
    """Call tools, some five a second, until the demo is to end.

    Args:
        url: the server's MCP endpoint.
        stop: looked at after every call.
    """
    # A proxy named in the environment cannot reach this machine's loopback.
    http = httpx2.AsyncClient(trust_env=False, timeout=_TIMEOUT_SECONDS)
    async with http, Client(streamable_http_client(url, http_client=http)) as client:
        for name, arguments in cycle(_CALLS):
            if stop.is_requested:
                return
            with suppress(MCPError):  # an answer, too, and counted by the server
                await client.call_tool(name, arguments, read_timeout_seconds=_TIMEOUT_SECONDS)
            await stop.wait(_PAUSE_SECONDS)
