"""A raw JSON-RPC client over streamable HTTP: it sends what a well-behaved client never would."""

from __future__ import annotations

from itertools import count
from typing import Any

import httpx2
from typing_extensions import Self

from tests.connections import LEGACY, MODERN
from tests.waiting import DEADLINE


class RawClient:
    """Posts messages to one MCP endpoint, with or without a session."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ids = count(1)
        self._http = httpx2.AsyncClient(timeout=DEADLINE)
        self._session: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def initialize(self) -> None:
        """Open a session of the older protocol."""
        response = await self.post(
            "initialize",
            {
                "protocolVersion": LEGACY,
                "capabilities": {},
                "clientInfo": {"name": "raw", "version": "0"},
            },
        )
        self._session = {"mcp-session-id": response.headers["mcp-session-id"], "mcp-protocol-version": LEGACY}
        await self.post("notifications/initialized", notification=True)

    async def post(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        notification: bool = False,
        request_id: str | int | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        if not notification:
            message["id"] = next(self._ids) if request_id is None else request_id
        accept = {"accept": "application/json, text/event-stream"}
        return await self._http.post(self._url, json=message, headers={**accept, **self._session, **(headers or {})})

    async def post_modern(self, method: str, params: dict[str, Any] | None = None, **meta: Any) -> httpx2.Response:
        """Post a request of MCP 2026-07-28, which needs no session."""
        prefix = "io.modelcontextprotocol/"
        envelope = {f"{prefix}protocolVersion": MODERN, f"{prefix}clientCapabilities": {}, **meta}
        headers = {"mcp-protocol-version": MODERN, "mcp-method": method}
        if params and "name" in params:
            headers["mcp-name"] = params["name"]
        return await self.post(method, {**(params or {}), "_meta": envelope}, headers=headers)
