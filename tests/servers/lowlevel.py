"""A low-level server: it has no registry of tools, and raises what it likes."""

from __future__ import annotations

from typing import Any

import mcp_types as types
from mcp.server.lowlevel import Server

SECRET = "alice@example.com"


async def _list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
    tools = [types.Tool(name=name, input_schema={"type": "object"}) for name in ("ok", "bad")]
    return types.ListToolsResult(tools=tools)


async def _call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
    if params.name == "bad":
        raise LookupError(SECRET)
    is_error = params.name != "ok"
    return types.CallToolResult(content=[types.TextContent(type="text", text=params.name)], is_error=is_error)


async def _crash(ctx: Any, params: Any) -> None:
    raise LookupError(SECRET)


async def _custom(ctx: Any, params: Any) -> types.EmptyResult:
    return types.EmptyResult()


def make_server() -> Server[Any]:
    server: Server[Any] = Server("lowlevel", version="3", on_list_tools=_list_tools, on_call_tool=_call_tool)
    server.add_request_handler("acme/custom", types.RequestParams, _custom)
    server.add_notification_handler("notifications/acme", types.NotificationParams, _crash)
    return server
