"""A server whose tools fork: `forking.py PORT`."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

from mcp.server.mcpserver import MCPServer
from opentelemetry import metrics, trace

from mcp_opentelemetry import instrument_tool

FORK = multiprocessing.get_context("fork")
mcp = MCPServer("forking")


@instrument_tool
def work() -> None:
    """Be counted."""


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def _work_in_child() -> str:
    work()
    work()
    metrics.get_meter_provider().force_flush()
    trace.get_tracer_provider().force_flush()
    return json.dumps({"pid": os.getpid(), "threads": [thread.name for thread in threading.enumerate()]})


@mcp.tool()
def delegate() -> str:
    """Let a pool of forks do some work."""
    with ProcessPoolExecutor(1, mp_context=FORK) as pool:
        return pool.submit(_work_in_child).result()


@instrument_tool
def split() -> int:
    """Fork, and come back twice."""
    return os.fork()


@mcp.tool()
def fork_and_come_back() -> int:
    """Let a child end what its parent has begun; returns how it ended."""
    if (pid := split()) != 0:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    metrics.get_meter_provider().force_flush()
    trace.get_tracer_provider().force_flush()
    os._exit(7)


def _serve(port: int) -> None:
    child = MCPServer("child")
    child.add_tool(add)
    child.run("streamable-http", port=port)


@mcp.tool()
def start_server(port: int) -> int:
    """Fork a server."""
    child = FORK.Process(target=_serve, args=(port,))
    child.start()
    assert child.pid
    return child.pid


if __name__ == "__main__":
    mcp.run("streamable-http", port=int(sys.argv[1]))
