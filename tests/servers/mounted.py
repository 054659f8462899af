"""The server of `held.py`, mounted in an app of the user's own whose start is held up: `uvicorn mounted:app`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from held import is_held, mcp
from starlette.applications import Starlette
from starlette.routing import Mount

inner = mcp.streamable_http_app()


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncGenerator[None]:
    """Start the server, then take as long as `warm up` is there."""
    async with inner.router.lifespan_context(inner):
        while is_held("warm up"):  # noqa: ASYNC110 (a file is no event)
            await asyncio.sleep(0.02)
        yield


app = Starlette(routes=[Mount("/", inner)], lifespan=lifespan)
