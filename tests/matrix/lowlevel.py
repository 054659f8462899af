"""A low-level server of the installed mcp whose handlers crash; prints how each request ended."""

from __future__ import annotations

import json
import logging
from typing import Any

import anyio

from tests.matrix import sdk
from tests.telemetry import Telemetry, attributes


def _server_of_1() -> Any:
    from mcp import types
    from mcp.server.lowlevel import Server

    server: Any = Server("lowlevel")

    @server.list_tools()
    async def list_tools() -> Any:
        return [types.Tool(name="bad", inputSchema={"type": "object"})]

    @server.call_tool()
    async def call_tool(name: str, arguments: Any) -> Any:
        raise LookupError(sdk.SECRET)

    @server.get_prompt()
    async def get_prompt(name: str, arguments: Any) -> Any:
        raise LookupError(sdk.SECRET)

    @server.completion()
    async def complete(*_: Any) -> Any:
        raise LookupError(sdk.SECRET)

    return server


def _server_of_2() -> Any:
    import mcp_types as types
    from mcp.server.lowlevel import Server

    async def crash(ctx: Any, params: Any) -> Any:
        raise LookupError(sdk.SECRET)

    async def list_tools(ctx: Any, params: Any) -> Any:
        return types.ListToolsResult(tools=[types.Tool(name="bad", input_schema={"type": "object"})])

    return Server("lowlevel", on_list_tools=list_tools, on_call_tool=crash, on_get_prompt=crash, on_completion=crash)


async def _main() -> None:
    telemetry = Telemetry()
    with telemetry.instrumented():
        if sdk.MCP[0] == 1:
            from mcp.shared.memory import create_connected_server_and_client_session
            from mcp.types import PromptReference

            connection: Any = create_connected_server_and_client_session(_server_of_1())
        else:
            from mcp import Client
            from mcp_types import PromptReference

            connection = Client(_server_of_2(), mode="legacy")
        reference = PromptReference(type="ref/prompt", name="p")
        async with connection as client:
            await client.list_tools()
            for call, *arguments in (
                (client.call_tool, "bad", {}),
                (client.get_prompt, "p"),
                (client.complete, reference, {"name": "a", "value": "b"}),
            ):
                try:
                    await call(*arguments)
                except Exception:  # noqa: BLE001
                    continue
    ended = [
        [span.name, attributes(span).get("error.type"), [event.attributes["exception.type"] for event in span.events]]
        for span in telemetry.spans()
        if span.name.startswith(("tools/call", "prompts/get", "completion"))
    ]
    leaks = [span.name for span in telemetry.all_spans() if sdk.SECRET in span.to_json()]
    errors = [dict(labels)["error_type"] for labels in telemetry.values("mcp_errors_total")]
    print(json.dumps({"ended": ended, "leaks": leaks, "errors": errors}))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    anyio.run(_main)
