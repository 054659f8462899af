"""What surrounds a call over HTTP, and a server mounted in another, on the installed SDK; prints spans as JSON."""

from __future__ import annotations

import json
import logging
from typing import Any

import anyio

from tests.http_server import served
from tests.matrix import sdk
from tests.telemetry import Telemetry


async def _ambient() -> dict[str, bool]:
    """Call a tool twice through an app that makes a span of each HTTP request, with a client that sends no context."""
    telemetry = Telemetry()
    tracer = telemetry.tracer_provider.get_tracer("http")
    app = sdk.make_http_app(sdk.make_server())

    async def traced(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        with tracer.start_as_current_span("HTTP"):
            await app(scope, receive, send)

    with telemetry.instrumented():
        async with served(traced) as url, sdk.connect(None, f"{url}/mcp") as client:
            await client.call_tool("add", {"a": 1, "b": 2})
            await client.call_tool("sync_add", {"a": 1, "b": 2})
    http = {span.get_span_context().span_id: span for span in telemetry.all_spans() if span.name == "HTTP"}
    calls = telemetry.spans("tools/call")
    parents = [http[span.parent.span_id] for span in calls if span.parent and span.parent.span_id in http]
    return {
        "each_below_its_own_request": len({id(parent) for parent in parents}) == len(calls) == 2,
        "parent_was_open": all(
            (parent.start_time or 0) <= (span.start_time or 0) <= (parent.end_time or 0)
            for parent, span in zip(parents, calls, strict=False)
        ),
    }


async def _mounted() -> list[str]:
    """Call a tool of a fastmcp server that is mounted in another."""
    if not sdk.FASTMCP:
        return []
    from fastmcp import Client, FastMCP

    parent: Any = FastMCP("parent")
    child: Any = sdk.make_server()
    if sdk.FASTMCP[0] == 2:
        parent.mount(child, prefix="child")
    else:
        parent.mount(child, namespace="child")
    telemetry = Telemetry()
    with telemetry.instrumented(client=True):
        async with Client(parent) as client:
            await client.call_tool("child_add", {"a": 1, "b": 2})
    return [f"{span.kind.name} {span.name}" for span in telemetry.all_spans() if "tools/call" in span.name]


async def _main() -> None:
    print(json.dumps({"ambient": await _ambient(), "mounted": await _mounted()}))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    anyio.run(_main)
