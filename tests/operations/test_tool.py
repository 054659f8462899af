"""`@instrument_tool` on every kind of function."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import Field

from mcp_opentelemetry import guard, instrument_tool
from mcp_opentelemetry.operations import operation
from mcp_opentelemetry.operations.tool import _Call
from tests.telemetry import Telemetry, attributes

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _calls_go_to_this_tests_telemetry(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "_operations", telemetry.operations)


def sync_tool(city: Annotated[str, Field(description="where")], days: int = 3) -> str:
    """Say the weather."""
    return f"{city} {days}"


async def async_tool(city: Annotated[str, Field(description="where")], days: int = 3) -> str:
    """Say the weather."""
    return f"{city} {days}"


async def context_tool(city: str, ctx: Context) -> str:
    """Say the weather, and who asks."""
    return f"{city} {ctx.request_id is not None}"


def generator_tool(count: int):
    """Count."""
    yield from range(count)


async def async_generator_tool(count: int):
    """Count."""
    for number in range(count):
        yield number


TOOLS: list[Callable[..., Any]] = [sync_tool, async_tool, context_tool, generator_tool, async_generator_tool]
KINDS = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
async def test_registered_tool_is_the_same_with_and_without(tool: Callable[..., Any]) -> None:
    plain, wrapped = MCPServer("plain"), MCPServer("wrapped")
    plain.tool()(tool)
    wrapped.tool()(instrument_tool(tool))
    async with Client(plain) as plain_client, Client(wrapped) as wrapped_client:
        assert (await wrapped_client.list_tools()).tools == (await plain_client.list_tools()).tools
        arguments = {"count": 3} if "generator" in tool.__name__ else {"city": "Oslo"}
        expected = await plain_client.call_tool(tool.__name__, arguments)
        result = await wrapped_client.call_tool(tool.__name__, arguments)
    if tool is not async_generator_tool:  # whose result is its representation, address and all
        assert result.content == expected.content


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
def test_wrapper_is_of_the_same_kind(tool: Callable[..., Any]) -> None:
    wrapped = instrument_tool(tool)
    assert [kind(wrapped) for kind in KINDS] == [kind(tool) for kind in KINDS]
    assert inspect.signature(wrapped) == inspect.signature(tool)
    assert (wrapped.__name__, wrapped.__doc__) == (tool.__name__, tool.__doc__)


async def test_call_outside_mcp_is_a_span_a_request_and_a_duration(telemetry: Telemetry) -> None:
    assert instrument_tool(sync_tool)("Oslo") == "Oslo 3"
    assert await instrument_tool(async_tool)("Oslo", days=1) == "Oslo 1"
    for span, name in zip(telemetry.all_spans(), ("sync_tool", "async_tool"), strict=True):
        assert (span.name, span.kind) == (f"execute_tool {name}", SpanKind.INTERNAL)
        assert attributes(span) == {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        assert telemetry.value("mcp_requests_total", tool=name, status="success") == 1
        assert (
            telemetry.value(
                "mcp_server_operation_duration_seconds_count", mcp_method_name="tools/call", gen_ai_tool_name=name
            )
            == 1
        )


async def test_call_through_mcp_is_measured_once(telemetry: Telemetry) -> None:
    server = MCPServer("once")
    server.tool()(instrument_tool(async_tool))
    server.tool(name="renamed")(instrument_tool(name="renamed")(sync_tool))
    async with Client(server) as client:
        await client.call_tool("async_tool", {"city": "Oslo"})
        await client.call_tool("renamed", {"city": "Oslo"})
    assert not [span for span in telemetry.all_spans() if span.kind is SpanKind.INTERNAL]
    assert telemetry.value("mcp_requests_total", tool="async_tool", status="success") == 1
    assert telemetry.value("mcp_requests_total", tool="renamed", status="success") == 1


async def test_helper_called_by_a_tool_is_a_span_below_it(telemetry: Telemetry) -> None:
    server = MCPServer("helper")
    helper = instrument_tool(sync_tool)

    @server.tool()
    def outer() -> str:
        return helper("Oslo")

    async with Client(server) as client:
        await client.call_tool("outer")
    (inner,) = [span for span in telemetry.all_spans() if span.kind is SpanKind.INTERNAL]
    assert inner.parent is not None
    assert inner.parent.span_id == telemetry.span().get_span_context().span_id


@pytest.mark.parametrize(
    ("error", "error_type"),
    [(KeyError("alice"), "KeyError"), (TimeoutError(), "timeout"), (asyncio.CancelledError(), "cancelled")],
)
async def test_exception_leaves_as_it_came_and_is_counted_by_its_class(
    telemetry: Telemetry, error: BaseException, error_type: str
) -> None:
    @instrument_tool
    async def fails() -> None:
        raise error

    with pytest.raises(BaseException) as caught:  # noqa: PT011 (the very object is compared)
        await fails()
    assert caught.value is error
    (span,) = telemetry.all_spans()
    assert attributes(span)["error.type"] == error_type
    assert span.status.status_code is StatusCode.ERROR
    assert "alice" not in span.to_json()
    assert telemetry.value("mcp_errors_total", tool="fails", error_type=error_type) == 1
    assert telemetry.value("mcp_requests_total", tool="fails", status="error") == 1


async def test_generators_last_until_they_are_exhausted_closed_or_fail(telemetry: Telemetry) -> None:
    assert list(instrument_tool(generator_tool)(3)) == [0, 1, 2]
    assert [number async for number in instrument_tool(async_generator_tool)(3)] == [0, 1, 2]
    started = instrument_tool(generator_tool)(3)
    next(started)
    assert len(telemetry.all_spans()) == 2
    assert not trace.get_current_span().is_recording()
    started.close()  # type: ignore[attr-defined]

    @instrument_tool
    def echo() -> Iterator[str]:
        received = yield "ready"
        raise KeyError(received)

    echoing: Any = echo()
    next(echoing)
    with pytest.raises(KeyError, match="sent"):
        echoing.send("sent")
    assert telemetry.value("mcp_requests_total", tool="generator_tool", status="success") == 2
    assert telemetry.value("mcp_requests_total", tool="async_generator_tool", status="success") == 1
    assert telemetry.value("mcp_errors_total", tool="echo", error_type="KeyError") == 1


async def test_methods_static_methods_and_partials_are_tools_too(telemetry: Telemetry) -> None:
    class Weather:
        @instrument_tool
        def plain(self) -> str:
            return "plain"

        @instrument_tool
        @staticmethod
        async def static() -> str:
            return "static"

        @instrument_tool
        @classmethod
        def of_class(cls) -> str:
            return cls.__name__

    assert (Weather().plain(), await Weather.static(), Weather.of_class()) == ("plain", "static", "Weather")
    assert await instrument_tool(functools.partial(async_tool, "Oslo"), name="partial")() == "Oslo 3"  # type: ignore[call-overload]
    names = [span.name.removeprefix("execute_tool ") for span in telemetry.all_spans()]
    assert names == ["plain", "static", "of_class", "partial"]


@pytest.mark.parametrize("method", ["__init__", "end"])
async def test_function_is_untouched_when_ours_fails(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(guard, "reraise", False)
    monkeypatch.setattr(_Call, method, guard.guarded(fail) if method == "end" else fail)
    assert instrument_tool(sync_tool)("Oslo") == "Oslo 3"
    assert list(instrument_tool(generator_tool)(2)) == [0, 1]
