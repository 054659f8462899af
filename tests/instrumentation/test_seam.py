"""The seam itself: exactly one span a message, on servers old and new, and nothing left when it is taken out."""

from __future__ import annotations

import importlib
from itertools import chain
from typing import Any

import pytest
from mcp import Client
from mcp.server._otel import OpenTelemetryMiddleware
from mcp.server.lowlevel import Server
from mcp.server.mcpserver.tools.tool_manager import ToolManager
from mcp.server.runner import ServerRunner
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from mcp_opentelemetry.instrumentation.catalog import _MOST_NAMES, Catalog
from mcp_opentelemetry.instrumentation.patches import Patches
from mcp_opentelemetry.instrumentation.upstream import PRIVATE_NAMES
from tests.connections import http_legacy, http_modern
from tests.effort import part_of
from tests.http_server import served
from tests.raw import RawClient
from tests.servers import lowlevel
from tests.servers.tools import make_server
from tests.telemetry import Telemetry

pytestmark = pytest.mark.anyio

PATCHED = (
    (ServerRunner, "_compose_server_middleware"),
    (OpenTelemetryMiddleware, "__call__"),
    (ToolManager, "call_tool"),
    (Server, "run"),
    (StreamableHTTPSessionManager, "run"),
)


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> Telemetry:
    """Telemetry that is not instrumented yet, and also gets the spans that the SDK makes itself."""
    telemetry = Telemetry()
    monkeypatch.setattr("mcp.shared._otel._tracer", telemetry.tracer_provider.get_tracer("native"))
    return telemetry


def _scopes(telemetry: Telemetry) -> list[str]:
    return [span.instrumentation_scope.name for span in telemetry.spans("tools/call") if span.instrumentation_scope]


async def test_open_connection_goes_from_native_to_ours_and_back(native: Telemetry) -> None:
    async with http_legacy(make_server()) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
        with native.instrumented():
            await client.call_tool("add", {"a": 1, "b": 2})
        await client.call_tool("add", {"a": 1, "b": 2})
    assert _scopes(native) == ["native", "mcp_opentelemetry", "native"]


@pytest.mark.parametrize("built", ["before", "after"])
async def test_server_built_before_or_after_has_one_span_a_call(native: Telemetry, built: str) -> None:
    early = make_server()
    with native.instrumented():
        async with Client(early if built == "before" else make_server()) as client:
            await client.call_tool("add", {"a": 1, "b": 2})
    assert _scopes(native) == ["mcp_opentelemetry"]


async def test_server_whose_middleware_was_cleared_is_covered(telemetry: Telemetry) -> None:
    server = lowlevel.make_server()
    server.middleware.clear()
    async with Client(server) as client:
        await client.list_tools()
        await client.call_tool("ok")
    assert telemetry.span().name == "tools/call ok"


async def test_middleware_list_of_the_server_is_left_alone(telemetry: Telemetry) -> None:
    server = lowlevel.make_server()
    before = list(server.middleware)
    async with Client(server) as client:
        await client.call_tool("ok")
    assert server.middleware == before


def test_removal_puts_back_every_original() -> None:
    stdio = importlib.import_module("mcp.server.stdio")
    mcpserver = importlib.import_module("mcp.server.mcpserver.server")
    before = [vars(owner)[name] for owner, name in PATCHED]
    stdio_server = stdio.stdio_server
    with Telemetry().instrumented():
        assert all(vars(owner)[name] is not original for (owner, name), original in zip(PATCHED, before, strict=True))
        assert mcpserver.stdio_server is stdio.stdio_server is not stdio_server
    assert [vars(owner)[name] for owner, name in PATCHED] == before
    assert mcpserver.stdio_server is stdio.stdio_server is stdio_server


async def test_removal_disarms_a_patch_that_somebody_has_wrapped_since(native: Telemetry) -> None:
    original = vars(ToolManager)["call_tool"]
    with native.instrumented():
        ours = vars(ToolManager)["call_tool"]
        ToolManager.call_tool = lambda self, *args, **kwargs: ours.__get__(self)(*args, **kwargs)  # type: ignore[method-assign]
    try:
        async with Client(make_server()) as client:
            result = await client.call_tool("add", {"a": 1, "b": 2})
    finally:
        ToolManager.call_tool = original  # type: ignore[method-assign]
    assert not result.is_error
    assert _scopes(native) == ["native"]


async def test_native_middleware_is_the_seam_where_the_runners_method_has_gone(
    native: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = ServerRunner._compose_server_middleware
    monkeypatch.delattr(ServerRunner, "_compose_server_middleware")
    patches = Patches()
    from mcp_opentelemetry.instrumentation.mcp2 import ServerSeam

    ServerSeam(native.operations, native.serving.append).install(patches)
    monkeypatch.setattr(ServerRunner, "_compose_server_middleware", original, raising=False)
    try:
        async with Client(make_server()) as client:
            await client.list_tools()
            await client.call_tool("add", {"a": 1, "b": 2})
    finally:
        patches.remove()
    assert native.span().name == "tools/call add"
    assert _scopes(native) == ["mcp_opentelemetry"]


def test_seam_that_has_gone_is_reported_and_the_rest_works(caplog: pytest.LogCaptureFixture) -> None:
    patches = Patches()
    patches.wrap("mcp.server.runner", "ServerRunner._no_such_method", lambda *_: None)
    assert "ServerRunner._no_such_method" in caplog.text


PACKAGES = ("opentelemetry", "mcp 2")


@pytest.mark.parametrize("private", [*chain(*(PRIVATE_NAMES[name] for name in PACKAGES))], ids=str)
def test_private_name_of_an_sdk_is_still_there(private: Any) -> None:
    """A failure here means: an SDK has moved, and the seam that is named must move with it."""
    assert private.exists(), private


async def test_listing_that_the_sdk_makes_for_itself_is_no_span(telemetry: Telemetry) -> None:
    async with http_modern(lowlevel.make_server()) as client:  # type: ignore[arg-type]
        await client.call_tool("ok", {"a": 1})
        during = len(telemetry.spans("tools/list"))
        assert telemetry.span().name == "tools/call ok"  # whose name the listing has taught
    assert during <= 1  # the client's own, after the call


async def test_two_servers_in_one_process_know_their_own_tools(telemetry: Telemetry) -> None:
    async with Client(lowlevel.make_server()) as first, Client(make_server()) as second:
        await second.call_tool("add", {"a": 1, "b": 2})
        await first.call_tool("add")
    assert [span.name for span in telemetry.spans("tools/call")] == ["tools/call add", "tools/call _OTHER"]


async def test_random_names_and_methods_add_no_series_beyond_other(telemetry: Telemetry) -> None:
    async with served(make_server().streamable_http_app()) as url, RawClient(f"{url}/mcp") as client:
        await client.initialize()

        async def attack(number: int) -> None:
            await client.post("tools/call", {"name": f"tool{number}", "arguments": {}})
            await client.post(f"method{number}")
            await client.post("prompts/get", {"name": f"prompt{number}"})
            await client.post(f"notifications/method{number}", notification=True)

        await attack(0)
        await telemetry.ended("notifications/method0")
        series = _series(telemetry)
        for number in range(1, 40):
            await attack(number)
        assert _series(telemetry) == series
    assert {span.name for span in telemetry.spans("tools/call")} == {"tools/call _OTHER"}
    assert len({span.name for span in telemetry.spans()}) <= 5
    assert telemetry.value("mcp_requests_total", tool="_OTHER", status="error") == 40
    assert telemetry.value("mcp_errors_total", tool="_OTHER", error_type="unknown_tool") == 40


def _series(telemetry: Telemetry) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    return {(name, frozenset(labels.items())) for name, labels, _ in telemetry.samples()}


async def test_thousands_of_random_names_add_nothing(telemetry: Telemetry) -> None:
    names = part_of(20_000)
    async with Client(make_server()) as client:
        await client.call_tool("random-0")
        series = len(telemetry.samples())
        kinds = len(telemetry.operations.measurements.kinds)
        for number in range(1, names):
            await client.call_tool(f"random-{number}")
            if number % 1_000 == 0:
                telemetry.forget_spans()
    assert len(telemetry.samples()) == series
    assert len(telemetry.operations.measurements.kinds) == kinds
    assert telemetry.value("mcp_requests_total", tool="_OTHER", status="error") == names


async def test_tool_added_or_removed_while_serving_is_known_at_once(telemetry: Telemetry) -> None:
    server = make_server()
    async with Client(server) as client:
        server.add_tool(lambda: None, name="late")
        await client.call_tool("late")
        server.remove_tool("late")
        await client.call_tool("late")
    assert [span.name for span in telemetry.spans("tools/call")] == ["tools/call late", "tools/call _OTHER"]


def test_server_that_invents_names_does_not_fill_the_memory() -> None:
    catalog = Catalog()
    for start in range(0, 3 * _MOST_NAMES, 1_000):
        catalog.learn("tools/list", {"tools": [{"name": f"tool{number}"} for number in range(start, start + 1_000)]})
    known = sum(catalog.target(None, "tools/call", {"name": f"tool{number}"}) != "_OTHER" for number in range(30_000))
    assert known == _MOST_NAMES


async def test_users_own_schema_lookup_that_raises_costs_nothing_but_the_name(telemetry: Telemetry) -> None:
    server = lowlevel.make_server()

    def lookup(name: str) -> None:
        raise RuntimeError

    server.get_tool_input_schema = lookup
    async with Client(server) as client:
        result = await client.call_tool("ok")
    assert not result.is_error
    assert telemetry.span().name == "tools/call _OTHER"


async def test_server_is_reported_as_serving_once(telemetry: Telemetry) -> None:
    server = lowlevel.make_server()
    async with Client(server) as client:
        await client.call_tool("ok")
        await client.call_tool("ok")
    assert set(telemetry.serving) == {server}
