"""The size of results, counted without serialising them again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp_types import BlobResourceContents, CallToolResult, EmbeddedResource, ImageContent, TextContent

from mcp_opentelemetry.operations.size import size_of
from tests.servers.tools import make_server
from tests.telemetry import Telemetry


@given(st.lists(st.text()))
def test_texts_count_as_utf8(texts: list[str]) -> None:
    blocks = [TextContent(type="text", text=text) for text in texts]
    expected = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    assert size_of(CallToolResult(content=blocks)) == expected
    assert size_of({"content": [{"type": "text", "text": text} for text in texts]}) == expected


def test_data_counts_as_it_is_sent() -> None:
    blob = BlobResourceContents(uri="test://blob", blob="AAAA")
    result = CallToolResult(
        content=[
            ImageContent(type="image", data="AAAABBBB", mime_type="image/png"),
            EmbeddedResource(type="resource", resource=blob),
        ]
    )
    assert size_of(result) == 12


@pytest.mark.parametrize("result", [None, 7, {}, {"content": 7}, {"content": [7, None, {"text": 7}]}, object()])
def test_anything_else_has_no_size(result: object) -> None:
    assert size_of(result) == 0


@pytest.mark.anyio
async def test_sizes_add_up_per_tool(telemetry: Telemetry) -> None:
    async with Client(make_server()) as client:
        for _ in range(3):
            result = await client.call_tool("add", {"a": 40, "b": 2})
        await client.call_tool("deliberate")
    assert result.content[0].text == "42"  # type: ignore[union-attr]
    assert telemetry.value("mcp_server_response_size_bytes_total", tool="add") == 3 * len("42")
    assert telemetry.value("mcp_server_response_size_bytes_total", tool="deliberate") > len("Error")
