"""The same server as an app for `uvicorn asgi_app:app`."""

from __future__ import annotations

from stdio_or_http import mcp

app = mcp.streamable_http_app()
