"""A FastAPI app with an MCP server mounted in it; `/metrics`, `/health` and `/dashboard` come along.

Start it, with `opentelemetry-instrumentation-fastapi` installed if the HTTP requests should be spans too:

    pip install fastapi opentelemetry-instrumentation-fastapi
    cd examples && opentelemetry-instrument uvicorn fastapi_app:app
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from mcp.server import MCPServer

mcp = MCPServer("orders", version="1.0.0")
_orders = {7: "shipped"}


@mcp.tool()
async def order_status(number: int) -> str:
    """Return the status of an order."""
    return _orders[number]


server = mcp.streamable_http_app()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Run the server: a mounted app's own lifespan is never entered."""
    async with mcp.session_manager.run():
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/orders/{number}")
async def order(number: int) -> dict[str, str]:
    """Return an order, for clients that speak no MCP."""
    return {"status": _orders[number]}


app.mount("/", server)  # last: it takes every path that is left
