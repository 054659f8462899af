"""What the sender of a request records, on every transport and for every end that a request can come to."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import CreateMessageResult, ListRootsResult, SamplingMessage, TextContent
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode, format_span_id

from tests import connections
from tests.connections import LEGACY, MODERN, Connect, in_memory
from tests.integration.processes import free_port
from tests.servers.tools import SECRET, Waiting, make_server
from tests.telemetry import Telemetry, attributes
from tests.waiting import DEADLINE

pytestmark = [
    pytest.mark.anyio,
    # Sampling and roots, which servers of today still use.
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]

HTTP = {"network.transport": "tcp", "network.protocol.name": "http", "server.address": "127.0.0.1", "server.port": int}
EXPECTED: dict[Connect, dict[str, Any]] = {
    connections.in_process: {"mcp.protocol.version": MODERN},
    connections.in_memory: {"jsonrpc.request.id": str, "mcp.protocol.version": LEGACY},
    connections.http_modern: {**HTTP, "jsonrpc.request.id": str, "mcp.protocol.version": MODERN},
    connections.http_legacy: {**HTTP, "jsonrpc.request.id": str, "mcp.protocol.version": LEGACY, "mcp.session.id": str},
    connections.http_stateless: {**HTTP, "jsonrpc.request.id": str, "mcp.protocol.version": LEGACY},
    connections.sse: {**HTTP, "jsonrpc.request.id": str, "mcp.protocol.version": LEGACY},
}
each_transport = pytest.mark.parametrize("connect", connections.ALL, ids=lambda connect: connect.__name__)


@each_transport
async def test_request_is_one_client_span_and_the_parent_of_the_servers(
    both_sides: Telemetry, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp.shared._otel._tracer", both_sides.tracer_provider.get_tracer("native"))
    tracer = both_sides.tracer_provider.get_tracer("caller")
    async with connect(make_server()) as client:
        with tracer.start_as_current_span("caller") as caller:
            await client.call_tool("add", {"a": 1, "b": 2})
    (sent,), handled = both_sides.sent("tools/call"), both_sides.span()
    assert not [span for span in both_sides.all_spans() if span.instrumentation_scope.name == "native"]  # type: ignore[union-attr]
    assert (sent.name, sent.kind, sent.status.status_code) == ("tools/call add", SpanKind.CLIENT, StatusCode.UNSET)
    assert sent.parent is not None
    assert sent.parent.span_id == caller.get_span_context().span_id
    assert handled.parent is not None
    assert handled.parent.span_id == sent.get_span_context().span_id
    expected = {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        **EXPECTED[connect],
    }
    actual = dict(attributes(sent))
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        assert type(actual[name]) is value if isinstance(value, type) else actual[name] == value, name


@each_transport
@pytest.mark.parametrize(
    ("tool", "error_type", "status_code"),
    [("boom", "tool_error", None), ("returns_error", "tool_error", None), ("protocol_error", "-32050", "-32050")],
)
async def test_error_of_the_other_side_is_an_error_here(
    both_sides: Telemetry, connect: Connect, tool: str, error_type: str, status_code: str | None
) -> None:
    async with connect(make_server()) as client:
        try:
            await client.call_tool(tool)
        except MCPError:
            assert status_code is not None
    (span,) = both_sides.sent("tools/call")
    assert span.name == "tools/call _OTHER"  # never known to exist from here
    assert attributes(span)["error.type"] == error_type
    assert attributes(span).get("rpc.response.status_code") == status_code
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert SECRET not in span.to_json()
    durations = both_sides.values("mcp_client_operation_duration_seconds_count")
    (labels,) = [dict(key) for key in durations if ("mcp_method_name", "tools/call") in key]
    assert labels["error_type"] == error_type


@each_transport
async def test_request_that_takes_too_long_is_a_timeout_without_a_code(both_sides: Telemetry, connect: Connect) -> None:
    async with connect(make_server()) as client:
        with pytest.raises(MCPError):
            await client.call_tool("wait", read_timeout_seconds=0.1)
    (span,) = both_sides.sent("tools/call")
    assert attributes(span)["error.type"] == "timeout"
    assert "rpc.response.status_code" not in attributes(span)


@each_transport
async def test_request_that_its_caller_drops_is_cancelled(both_sides: Telemetry, connect: Connect) -> None:
    waiting = Waiting()
    async with connect(make_server(waiting=waiting)) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, "wait")
        with anyio.fail_after(DEADLINE):
            await waiting.begun.wait()
        group.cancel_scope.cancel()
    (span,) = both_sides.sent("tools/call")
    assert attributes(span)["error.type"] == "cancelled"


async def test_connection_that_closes_under_a_request_says_so(both_sides: Telemetry) -> None:
    server = MCPServer("closing")

    @server.tool()
    async def close() -> None:
        await client.session._dispatcher._read_stream.aclose()  # type: ignore[union-attr]
        await anyio.sleep_forever()

    async with in_memory(server) as client:
        with pytest.raises(MCPError):
            await client.call_tool("close")
    (span,) = both_sides.sent("tools/call")
    assert attributes(span)["error.type"] == "connection_closed"
    assert "rpc.response.status_code" not in attributes(span)


async def test_server_that_cannot_be_reached_is_an_error(both_sides: Telemetry) -> None:
    port = free_port()
    with pytest.raises(BaseException):  # noqa: B017, PT011 (whatever the SDK makes of it passes)
        async with Client(f"http://127.0.0.1:{port}/mcp"):
            pass
    spans = both_sides.sent()
    assert spans
    for span in spans:
        assert span.status.status_code is StatusCode.ERROR
        assert attributes(span)["server.port"] == port


async def test_tool_is_named_once_it_is_known_to_exist_and_made_up_names_never(both_sides: Telemetry) -> None:
    async with Client(make_server()) as client:
        for tool in ("made-up-1", "add", "made-up-2", "add"):
            await client.call_tool(tool, {"a": 1, "b": 2})
    assert [span.name.removeprefix("tools/call ") for span in both_sides.sent("tools/call")] == [
        "_OTHER",
        "add",
        "_OTHER",
        "add",
    ]
    durations = both_sides.values("mcp_client_operation_duration_seconds_count")
    assert {dict(labels).get("gen_ai_tool_name") for labels in durations} == {None, "add", "_OTHER"}


async def test_calls_that_are_sent_are_not_counted_as_handled(both_sides: Telemetry) -> None:
    async with Client(make_server()) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
    assert both_sides.value("mcp_requests_total", tool="add", status="success") == 1


@pytest.mark.parametrize("connect", [connections.in_memory, connections.http_legacy, connections.sse])
async def test_what_a_server_asks_of_its_client_is_a_span_on_both_ends(both_sides: Telemetry, connect: Connect) -> None:
    server = MCPServer("asking")

    @server.tool()
    async def ask(ctx: Context) -> str:
        message = SamplingMessage(role="user", content=TextContent(type="text", text="?"))
        answer = await ctx.session.create_message([message], max_tokens=1, related_request_id=ctx.request_id)
        return answer.model

    async def sample(context: Any, params: Any) -> CreateMessageResult:
        spans.append(format_span_id(trace.get_current_span().get_span_context().span_id))
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="!"), model="m")

    spans: list[str] = []
    connection = connect(server)
    original = Client.__init__

    def with_sampling(self: Client, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **{**kwargs, "sampling_callback": sample})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "__init__", with_sampling)
        async with connection as client:
            result = await client.call_tool("ask")
    assert not result.is_error
    (sent,), handled = both_sides.sent("sampling/createMessage"), both_sides.span("sampling/createMessage")
    tool = both_sides.span()
    assert sent.parent is not None
    assert handled.parent is not None
    assert sent.parent.span_id == tool.get_span_context().span_id
    assert handled.parent.span_id == sent.get_span_context().span_id
    assert spans == [format_span_id(handled.get_span_context().span_id)]
    assert both_sides.sent("tools/call")[0].get_span_context().trace_id == handled.get_span_context().trace_id


@each_transport
async def test_session_at_the_client_where_the_protocol_has_sessions(both_sides: Telemetry, connect: Connect) -> None:
    async with connect(make_server()) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
    sessions = both_sides.values("mcp_client_session_duration_seconds_count")
    if connect in {connections.in_process, connections.http_modern}:
        assert not sessions
        return
    ((labels, count),) = sessions.items()
    assert count == 1
    assert dict(labels)["mcp_protocol_version"] == LEGACY
    assert ("network_transport" in dict(labels)) == (connect is not connections.in_memory)


async def test_notification_carries_the_senders_context(both_sides: Telemetry) -> None:
    tracer = both_sides.tracer_provider.get_tracer("caller")
    async with in_memory(make_server()) as client:
        with tracer.start_as_current_span("caller") as caller:
            await client.send_roots_list_changed()
        span = await both_sides.ended("notifications/roots/list_changed")
    assert span.parent is not None
    assert span.parent.span_id == caller.get_span_context().span_id


async def test_users_own_parameters_are_left_alone(both_sides: Telemetry) -> None:
    arguments = {"a": 1, "b": 2}
    meta: dict[str, Any] = {"progressToken": 7}
    async with Client(make_server()) as client:
        await client.call_tool("add", arguments, meta=meta)  # type: ignore[arg-type]
    assert (arguments, meta) == ({"a": 1, "b": 2}, {"progressToken": 7})


async def test_roots_are_asked_for_with_a_span_on_both_ends(both_sides: Telemetry) -> None:
    server = MCPServer("roots")

    @server.tool()
    async def roots(ctx: Context) -> int:
        return len((await ctx.session.list_roots()).roots)

    async def list_roots(context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[])

    async with Client(server, mode="legacy", list_roots_callback=list_roots) as client:
        assert not (await client.call_tool("roots")).is_error
    assert len(both_sides.sent("roots/list")) == len(both_sides.spans("roots/list")) == 1
