"""A server that is held up where a file says so: `held.py` with the arguments of `stdio_or_http.py`.

Each file in the directory `HELD_BY` holds something up while it is there; `CHECKS` names the checks that it registers.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from mcp.client import Client
from mcp.server.mcpserver import MCPServer
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from mcp_opentelemetry import health_check

SECRET = "alice@example.com"
HELD_BY = Path(os.environ["HELD_BY"])


def is_held(name: str) -> bool:
    """Return whether a file says so."""
    return (HELD_BY / name).exists()


@asynccontextmanager
async def lifespan(_: MCPServer) -> AsyncGenerator[None]:
    """Take as long to start as `start` is there."""
    while is_held("start"):  # noqa: ASYNC110 (a file is no event)
        await asyncio.sleep(0.02)
    yield


mcp = MCPServer("held", version="1.2.3", lifespan=lifespan)


@mcp.tool()
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@mcp.tool()
async def wait() -> str:
    """Take as long as `wait` is there."""
    while is_held("wait"):  # noqa: ASYNC110 (as above)
        await asyncio.sleep(0.02)
    return "done"


@mcp.tool()
async def block() -> str:
    """Hold the event loop for as long as `block` is there."""
    while is_held("block"):
        time.sleep(0.02)  # noqa: ASYNC251 (what this tool is for)
    return "done"


@mcp.custom_route("/mine/health", methods=["GET"])
async def own_health(_: Request) -> PlainTextResponse:
    """Answer a probe of the user's own."""
    return PlainTextResponse("mine")


def database() -> None:
    """Fail while `database` is there."""
    if is_held("database"):
        raise ConnectionError(f"no route to postgres://{SECRET}:hunter2@db")


async def hang() -> None:
    """Hang for ever, as what awaits an answer does."""
    await asyncio.Event().wait()


def hang_in_driver() -> None:
    """Hang for ever, as a driver does that knows no timeout."""
    threading.Event().wait()


def exit_process() -> None:
    """Want the process to end."""
    sys.exit(SECRET)


def counted() -> None:
    """Note that it ran, and take long enough for every probe to come meanwhile."""
    with (HELD_BY / "runs").open("a") as runs:
        runs.write("ran\n")
    while is_held("counted"):
        time.sleep(0.02)


async def peer() -> None:
    """Ask another MCP server."""
    async with Client(os.environ["PEER"]) as client:
        await client.call_tool("add", {"a": 1, "b": 2})


def quiet() -> bool:
    """Say whether instrumented libraries would keep quiet."""
    return not is_instrumentation_enabled()


# Those that are to come to an end have the time for it on a busy machine, too.
CHECKS = {
    "database": (database, health_check("database", timeout=30, ttl=0)),
    "store": (database, health_check("store", critical=True, timeout=30, ttl=0)),
    "answer": (hang, health_check("answer", ttl=0)),
    "driver": (hang_in_driver, health_check("driver", ttl=0)),
    "exit": (exit_process, health_check("exit", timeout=30, ttl=0)),
    "peer": (peer, health_check("peer", timeout=30)),
    "quiet": (quiet, health_check("quiet", timeout=30, ttl=0)),
    "counted": (counted, health_check("counted", timeout=30, ttl=600)),
}

for name in filter(None, os.environ.get("CHECKS", "").split(",")):
    function, register = CHECKS[name]
    register(function)

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["stdio"]:
            mcp.run("stdio")
        case ["streamable-http" | "sse" as transport, port]:
            mcp.run(transport, port=int(port))
        case _:
            sys.exit(__doc__)
