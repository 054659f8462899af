"""A server of the low-level Server, on stdio."""

from __future__ import annotations

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, TextContent, Tool


async def list_tools(_ctx: object, _params: object) -> ListToolsResult:
    """Name the one tool."""
    return ListToolsResult(tools=[Tool(name="add", input_schema={"type": "object"})])


async def call_tool(_ctx: object, params: CallToolRequestParams) -> CallToolResult:
    """Add two numbers."""
    arguments = params.arguments or {}
    return CallToolResult(content=[TextContent(text=str(arguments["a"] + arguments["b"]))])


async def main() -> None:
    """Serve until stdin is closed."""
    server = Server("lowlevel", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
