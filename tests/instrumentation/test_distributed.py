"""One trace through client, HTTP, server, nested client and second server, beside other instrumentation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mcp import Client
from mcp.server import MCPServer
from openinference.instrumentation.mcp import MCPInstrumentor
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from tests.http_server import served
from tests.servers.tools import make_server
from tests.telemetry import Telemetry

pytestmark = pytest.mark.anyio


def _by_id(spans: list[ReadableSpan]) -> dict[int, ReadableSpan]:
    return {span.get_span_context().span_id: span for span in spans}


def _ours(telemetry: Telemetry) -> list[ReadableSpan]:
    return [
        span
        for span in telemetry.all_spans()
        if span.instrumentation_scope is not None and span.instrumentation_scope.name == "mcp_opentelemetry"
    ]


async def test_call_through_two_servers_is_one_tree_linked_to_the_http_spans(both_sides: Telemetry) -> None:
    second = OpenTelemetryMiddleware(make_server().streamable_http_app(), tracer_provider=both_sides.tracer_provider)
    async with served(second) as second_url:
        front = MCPServer("front")

        @front.tool()
        async def forward() -> str:
            async with Client(f"{second_url}/mcp") as client:
                return str((await client.call_tool("add", {"a": 1, "b": 2})).structured_content)

        first = OpenTelemetryMiddleware(front.streamable_http_app(), tracer_provider=both_sides.tracer_provider)
        tracer = both_sides.tracer_provider.get_tracer("agent")
        async with served(first) as url, Client(f"{url}/mcp") as client:
            with tracer.start_as_current_span("agent") as agent:
                result = await client.call_tool("forward")
    assert not result.is_error

    spans = _by_id(both_sides.all_spans())
    (leaf,) = [span for span in both_sides.spans("tools/call") if span.name == "tools/call add"]
    path = [leaf]
    while path[-1].parent is not None:
        path.append(spans[path[-1].parent.span_id])
    assert [(span.name, span.kind) for span in path] == [
        ("tools/call add", SpanKind.SERVER),
        ("tools/call add", SpanKind.CLIENT),
        ("tools/call forward", SpanKind.SERVER),
        ("tools/call forward", SpanKind.CLIENT),
        ("agent", SpanKind.INTERNAL),
    ]
    assert {span.get_span_context().trace_id for span in path} == {agent.get_span_context().trace_id}
    for span in (path[0], path[2]):
        (link,) = span.links
        assert spans[link.context.span_id].name == "POST /mcp"


@pytest.fixture
def neighbours(monkeypatch: pytest.MonkeyPatch, both_sides: Telemetry) -> Iterator[None]:
    """Instrumentation that acts on the same calls, switched on after ours."""
    openinference, logs = MCPInstrumentor(), LoggingInstrumentor()
    openinference.instrument(tracer_provider=both_sides.tracer_provider)
    logs.instrument(tracer_provider=both_sides.tracer_provider)
    yield
    openinference.uninstrument()
    logs.uninstrument()


async def test_neighbours_change_nothing(both_sides: Telemetry, neighbours: None) -> None:
    async with served(make_server().streamable_http_app()) as url, Client(f"{url}/mcp") as client:
        await client.call_tool("add", {"a": 1, "b": 2})
        await client.call_tool("boom")
    sent, handled = both_sides.sent("tools/call"), both_sides.spans("tools/call")
    assert [span.name for span in sent] == ["tools/call add", "tools/call _OTHER"]
    assert [span.name for span in handled] == ["tools/call add", "tools/call boom"]
    assert [span.parent.span_id for span in handled if span.parent] == [
        span.get_span_context().span_id for span in sent
    ]
    assert both_sides.value("mcp_errors_total", tool="boom", error_type="KeyError") == 1
