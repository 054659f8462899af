"""An app that has something to say until the very end."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from asgi_app import mcp
from starlette.applications import Starlette
from starlette.routing import Mount

inner = mcp.streamable_http_app()


@asynccontextmanager
async def lifespan(_: Any) -> AsyncGenerator[None]:
    """Serve, and log at the end."""
    async with inner.router.lifespan_context(inner):
        yield
    for number in range(20):
        logging.getLogger("application").warning("closing %d", number)


app = Starlette(routes=[Mount("/", inner)], lifespan=lifespan)
