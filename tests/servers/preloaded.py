"""The app of `asgi_app.py`, which has done things before anybody serves it: `gunicorn --preload preloaded:app`."""

from __future__ import annotations

from stdio_or_http import mcp

from mcp_opentelemetry import instrument_tool

BEFORE = 100


@instrument_tool
def prepare() -> None:
    """Take part in the start."""


for _ in range(BEFORE):
    prepare()

app = mcp.streamable_http_app()
