"""Where a span hangs in its trace, and what of the sender's context reaches the tool."""

from __future__ import annotations

import pytest
from mcp import Client
from mcp.server import MCPServer
from opentelemetry import baggage, trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import format_trace_id

from tests.connections import in_memory
from tests.http_server import served
from tests.servers.tools import make_server
from tests.telemetry import Telemetry

pytestmark = pytest.mark.anyio

TRACE = "a" * 32
SPAN = "b" * 16
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def _trace_of(span: ReadableSpan) -> str:
    return format_trace_id(span.get_span_context().trace_id)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_sender_in_meta_is_the_parent(telemetry: Telemetry, mode: str) -> None:
    async with Client(make_server(), mode=mode) as client:
        await client.call_tool("add", {"a": 1, "b": 2}, meta={"traceparent": TRACEPARENT})
    span = telemetry.span()
    assert _trace_of(span) == TRACE
    assert span.parent is not None
    assert span.parent.is_remote
    assert not span.links


async def test_ambient_http_span_becomes_a_link_when_meta_names_the_parent(telemetry: Telemetry) -> None:
    tracer = telemetry.tracer_provider.get_tracer("http")
    app = make_server().streamable_http_app()

    async def traced(scope: dict[str, object], receive: object, send: object) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)  # type: ignore[arg-type]
            return
        with tracer.start_as_current_span(f"HTTP {scope['path']}"):
            await app(scope, receive, send)  # type: ignore[arg-type]

    async with served(traced) as url, Client(f"{url}/mcp") as client:
        await client.call_tool("add", {"a": 1, "b": 2}, meta={"traceparent": TRACEPARENT})
        await client.call_tool("sync_add", {"a": 1, "b": 2})

    linked, child = telemetry.spans("tools/call")
    http_spans = {span.get_span_context().span_id: span for span in telemetry.all_spans() if "HTTP" in span.name}
    assert _trace_of(linked) == TRACE
    (link,) = linked.links
    assert link.context.span_id in http_spans
    assert not child.links
    assert child.parent is not None
    assert child.parent.span_id in http_spans


async def test_span_in_the_same_process_is_parent_and_not_linked_to_itself(telemetry: Telemetry) -> None:
    tracer = telemetry.tracer_provider.get_tracer("caller")
    async with in_memory(make_server()) as client:
        with tracer.start_as_current_span("caller") as caller:
            await client.call_tool("add", {"a": 1, "b": 2})
    span = telemetry.span()
    assert _trace_of(span) == format_trace_id(caller.get_span_context().trace_id)
    assert not span.links


async def test_tool_runs_inside_the_span_and_sees_the_senders_baggage(telemetry: Telemetry) -> None:
    server = MCPServer("context")
    seen: dict[str, object] = {}

    @server.tool()
    async def look() -> None:
        seen["async"] = trace.get_current_span().get_span_context().span_id
        seen["baggage"] = baggage.get_baggage("tenant")

    @server.tool()
    def look_from_thread() -> None:
        seen["sync"] = trace.get_current_span().get_span_context().span_id

    async with Client(server) as client:
        meta = {"traceparent": TRACEPARENT, "baggage": "tenant=acme", "progressToken": 7, "other": {"deep": 1}}
        await client.call_tool("look", meta=meta)
        await client.call_tool("look_from_thread")
    spans = {span.name: span.get_span_context().span_id for span in telemetry.spans("tools/call")}
    assert seen == {
        "async": spans["tools/call look"],
        "sync": spans["tools/call look_from_thread"],
        "baggage": "acme",
    }


@pytest.mark.parametrize("value", ["", "nonsense", "00-0-0-00", 7, None, {"a": 1}, [TRACEPARENT]])
async def test_worthless_traceparent_starts_a_trace_of_its_own(telemetry: Telemetry, value: object) -> None:
    async with Client(make_server()) as client:
        result = await client.call_tool("add", {"a": 1, "b": 2}, meta={"traceparent": value})
    assert not result.is_error
    assert telemetry.span().parent is None


async def test_context_is_left_as_it_was_found(telemetry: Telemetry) -> None:
    async with in_memory(make_server()) as client:
        for tool in ("add", "boom", "no_such_tool"):
            await client.call_tool(tool, {"a": 1, "b": 2})
            assert not trace.get_current_span().get_span_context().is_valid
    assert {span.parent for span in telemetry.spans("tools/call")} == {None}
