"""What a span of each kind of message says, and on which transport it says what."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp import Client
from opentelemetry.trace import SpanKind, StatusCode

from tests import connections
from tests.connections import LEGACY, MODERN, Connect
from tests.http_server import served
from tests.raw import RawClient
from tests.servers import lowlevel
from tests.servers.tools import SECRET, make_server
from tests.telemetry import Telemetry, attributes

pytestmark = pytest.mark.anyio

PER_TRANSPORT: dict[Connect, dict[str, Any]] = {
    connections.in_process: {"mcp.protocol.version": MODERN},
    connections.in_memory: {"mcp.protocol.version": LEGACY},
    connections.http_modern: {
        "mcp.protocol.version": MODERN,
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
        "client.port": int,
    },
    connections.http_legacy: {
        "mcp.protocol.version": LEGACY,
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
        "client.port": int,
        "mcp.session.id": str,
    },
    connections.http_stateless: {
        "mcp.protocol.version": LEGACY,
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
        "client.port": int,
    },
    connections.sse: {
        "mcp.protocol.version": LEGACY,
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
        "client.port": int,
        "mcp.session.id": str,
    },
}


def _assert_attributes(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, type):
            assert type(actual[name]) is value, name
        else:
            assert (type(actual[name]), actual[name]) == (type(value), value), name


@pytest.mark.parametrize("connect", connections.ALL, ids=lambda connect: connect.__name__)
async def test_attributes_of_a_tool_call(telemetry: Telemetry, connect: Connect) -> None:
    async with connect(make_server()) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
    span = telemetry.span()
    assert span.kind is SpanKind.SERVER
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "mcp_opentelemetry"
    expected = {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        "jsonrpc.request.id": str,
        **PER_TRANSPORT[connect],
    }
    _assert_attributes(dict(attributes(span)), expected)


@pytest.mark.parametrize("connect", connections.ALL, ids=lambda connect: connect.__name__)
async def test_every_message_is_one_span_and_none_is_the_sdks_own(telemetry: Telemetry, connect: Connect) -> None:
    async with connect(make_server()) as client:
        await client.list_tools()
        await client.call_tool("add", {"a": 1, "b": 2})
        await client.read_resource("test://good")
        await client.get_prompt("greet", {"name": "Ada"})
    names = [span.name for span in telemetry.spans() if not span.name.startswith("notifications/")]
    opening = {connections.in_process: ["server/discover"], connections.http_modern: ["server/discover"]}
    rest = ["tools/list", "tools/call add", "resources/read", "prompts/get greet"]
    assert names == [*opening.get(connect, ["initialize"]), *rest]
    assert {span.instrumentation_scope.name for span in telemetry.spans() if span.instrumentation_scope} == {
        "mcp_opentelemetry"
    }


async def test_initialize_says_what_was_negotiated_not_what_was_wished(telemetry: Telemetry) -> None:
    async with served(make_server().streamable_http_app()) as url, RawClient(f"{url}/mcp") as client:
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}}
        await client.post("initialize", params)
        params["protocolVersion"] = "1999-01-01"
        await client.post("initialize", params)
    versions = [attributes(span)["mcp.protocol.version"] for span in telemetry.spans("initialize")]
    assert versions == ["2025-06-18", LEGACY]
    durations = telemetry.values("mcp_server_operation_duration_seconds_count")
    assert {dict(labels)["mcp_protocol_version"] for labels in durations} == {"2025-06-18", LEGACY}


async def test_resource_uri_is_on_the_span_and_not_in_its_name_or_the_metrics(telemetry: Telemetry) -> None:
    async with Client(make_server()) as client:
        await client.read_resource("test://good")
    span = telemetry.span("resources/read")
    assert span.name == "resources/read"
    assert attributes(span)["mcp.resource.uri"] == "test://good"
    assert not [labels for _, labels, _ in telemetry.samples() if "test://good" in labels.values()]


async def test_prompt_is_named(telemetry: Telemetry) -> None:
    async with Client(make_server()) as client:
        await client.get_prompt("greet", {"name": "Ada"})
    assert attributes(telemetry.span("prompts/get"))["gen_ai.prompt.name"] == "greet"


@pytest.mark.parametrize(("mode", "code"), [("auto", "-32603"), ("legacy", "0")])
async def test_crash_of_a_lowlevel_handler_has_the_code_that_its_caller_sees(
    telemetry: Telemetry, mode: Any, code: str
) -> None:
    async with Client(lowlevel.make_server(), mode=mode) as client:
        await client.list_tools()
        with pytest.raises(Exception, match=r"."):
            await client.call_tool("bad")
    span = telemetry.span()
    assert attributes(span)["error.type"] == attributes(span)["rpc.response.status_code"] == code
    assert span.status.status_code is StatusCode.ERROR
    assert [event.attributes for event in span.events] == [{"exception.type": "LookupError"}]
    assert SECRET not in span.to_json()
    assert telemetry.value("mcp_errors_total", tool="bad", error_type="LookupError") == 1


async def test_crash_of_a_resource_is_an_error_and_an_unknown_resource_is_the_callers_fault(
    telemetry: Telemetry,
) -> None:
    async with Client(make_server()) as client:
        for uri in ("test://bad", "test://none"):
            with pytest.raises(Exception, match=r"."):
                await client.read_resource(uri)
    bad, unknown = telemetry.spans("resources/read")
    assert (attributes(bad)["error.type"], bad.status.status_code) == ("-32603", StatusCode.ERROR)
    assert "error.type" not in attributes(unknown)
    assert (attributes(unknown)["rpc.response.status_code"], unknown.status.status_code) == ("-32602", StatusCode.UNSET)


async def test_notification_has_a_span_without_an_id_and_its_crash_is_named(telemetry: Telemetry) -> None:
    app = lowlevel.make_server().streamable_http_app()
    async with served(app) as url, RawClient(f"{url}/mcp") as client:
        await client.initialize()
        await client.post("notifications/acme", notification=True)
        span = await telemetry.ended("notifications/acme")
    assert "jsonrpc.request.id" not in attributes(span)
    assert attributes(span)["error.type"] == "LookupError"
    assert not [labels for labels in telemetry.values("mcp_server_active_requests") if "acme" in str(labels)]


async def test_unknown_method_is_not_the_servers_error(telemetry: Telemetry) -> None:
    async with served(make_server().streamable_http_app()) as url, RawClient(f"{url}/mcp") as client:
        await client.initialize()
        await client.post("no/such")
    span = telemetry.span("no/such")
    assert span.name == "_OTHER"
    assert "error.type" not in attributes(span)
    assert attributes(span)["rpc.response.status_code"] == "-32601"
    assert span.status.status_code is StatusCode.UNSET


async def test_malformed_call_is_the_callers_fault(telemetry: Telemetry) -> None:
    async with served(make_server().streamable_http_app()) as url, RawClient(f"{url}/mcp") as client:
        await client.initialize()
        await client.post("tools/call", {"name": "add", "arguments": SECRET})
        await client.post("tools/call", {"name": {"not": "a name"}})
    known, unknown = telemetry.spans("tools/call")
    assert (known.name, unknown.name) == ("tools/call add", "tools/call _OTHER")
    for span in (known, unknown):
        assert attributes(span)["rpc.response.status_code"] == "-32602"
        assert span.status.status_code is StatusCode.UNSET
        assert SECRET not in span.to_json()
    assert telemetry.value("mcp_errors_total", tool="add", error_type="invalid_arguments") == 1
    assert telemetry.value("mcp_errors_total", tool="_OTHER", error_type="unknown_tool") == 1


async def test_subscription_is_a_span_but_no_duration(telemetry: Telemetry) -> None:
    async with Client(make_server()) as client:
        with anyio.move_on_after(0.2):
            async with client.listen(tools_list_changed=True):
                await anyio.sleep_forever()
    await telemetry.ended("subscriptions/listen")
    assert "subscriptions/listen" not in str(telemetry.values("mcp_server_operation_duration_seconds_count"))
