"""One tool call, told of in five ways: not at all, as mcp is installed, at the least cost, by mcp, by us."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from mcp import Client
from mcp.server._otel import OpenTelemetryMiddleware
from mcp.server.mcpserver import MCPServer
from mcp.shared import _otel
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

from mcp_opentelemetry import guard
from mcp_opentelemetry.instrumentation.mcp2 import ServerSeam
from mcp_opentelemetry.instrumentation.patches import Patches
from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.operations.operation import Operations
from mcp_opentelemetry.readers import ScrapeReader

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

Variant = Callable[[], AbstractContextManager[MCPServer]]
_WARM_UP = 50
_DELTA = (Counter, Histogram, ObservableCounter)


class _NullExporter(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


@contextmanager
def sdk() -> Iterator[tuple[TracerProvider, MeterProvider]]:
    """Give the providers that every instrumented variant reports to: the default readers, no network."""
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    tracer_provider.add_span_processor(BatchSpanProcessor(_NullExporter()))
    recent = InMemoryMetricReader(
        preferred_temporality=dict.fromkeys(_DELTA, AggregationTemporality.DELTA),
        preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation(max_size=352)},
    )
    meter_provider = MeterProvider([ScrapeReader(), recent], shutdown_on_exit=False)
    yield tracer_provider, meter_provider
    meter_provider.shutdown()
    tracer_provider.shutdown()


def make_server(*, native_span: bool) -> MCPServer:
    """Make a server with one tool, `add`."""
    server = MCPServer("benchmark")

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    if not native_span:
        server.middleware[:] = [each for each in server.middleware if not isinstance(each, OpenTelemetryMiddleware)]
    return server


@contextmanager
def bare() -> Iterator[MCPServer]:
    """Run mcp without its span and without an SDK."""
    yield make_server(native_span=False)


@contextmanager
def installed() -> Iterator[MCPServer]:
    """Run mcp as pip installs it: its span goes to no SDK, and is paid for all the same."""
    yield make_server(native_span=True)


@contextmanager
def floor() -> Iterator[MCPServer]:
    """Make the least that counts as telemetry: a span with 6 attributes, a measurement with 4."""
    with sdk() as (tracer_provider, meter_provider):
        tracer = tracer_provider.get_tracer("floor")
        duration = meter_provider.get_meter("floor").create_histogram(
            "floor.duration", "s", explicit_bucket_boundaries_advisory=list(semconv.DURATION_BOUNDARIES)
        )
        span_attributes = {
            semconv.MCP_METHOD_NAME: "tools/call",
            semconv.MCP_PROTOCOL_VERSION: "2026-07-28",
            semconv.GEN_AI_OPERATION_NAME: "execute_tool",
            semconv.GEN_AI_TOOL_NAME: "add",
            semconv.JSONRPC_REQUEST_ID: "1",
            semconv.NETWORK_TRANSPORT: "pipe",
        }
        attributes = {
            semconv.MCP_METHOD_NAME: "tools/call",
            semconv.MCP_PROTOCOL_VERSION: "2026-07-28",
            semconv.GEN_AI_TOOL_NAME: "add",
            semconv.NETWORK_TRANSPORT: "pipe",
        }

        async def measure(ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
            span = tracer.start_span("tools/call add", kind=SpanKind.SERVER, attributes=span_attributes)
            started = perf_counter()
            result = await call_next(ctx)
            duration.record(perf_counter() - started, attributes)
            span.end()
            return result

        server = make_server(native_span=False)
        server.middleware.insert(0, measure)
        yield server


@contextmanager
def native() -> Iterator[MCPServer]:
    """Run mcp with its own span and nothing else."""
    with sdk() as (tracer_provider, _):
        before = _otel._tracer
        _otel._tracer = tracer_provider.get_tracer("mcp-python-sdk")
        yield make_server(native_span=True)
        _otel._tracer = before


@contextmanager
def ours() -> Iterator[MCPServer]:
    """Run mcp with all our spans and measurements."""
    with sdk() as (tracer_provider, meter_provider):
        before = guard.reraise
        guard.reraise = True  # what fails is swallowed else, and seems fast
        patches = Patches()
        operations = Operations(tracer_provider=tracer_provider, meter_provider=meter_provider)
        ServerSeam(operations, lambda _: None).install(patches)
        yield make_server(native_span=True)
        patches.remove()
        guard.reraise = before


VARIANTS: dict[str, Variant] = {
    "bare": bare,
    "installed": installed,
    "floor": floor,
    "native": native,
    "ours": ours,
}


@contextmanager
def connected(variant: Variant) -> Iterator[Callable[[int], None]]:
    """Give a function that makes so many calls, one after the other, over one connection."""
    loop = asyncio.new_event_loop()

    async def hold(server: MCPServer, ready: asyncio.Future[Client], finished: asyncio.Event) -> None:
        # Entered and left in one task, as anyio demands of a client.
        async with Client(server) as client:
            ready.set_result(client)
            await finished.wait()

    async def call(client: Client, times: int) -> None:
        for _ in range(times):
            result = await client.call_tool("add", {"a": 1, "b": 2})
            assert not result.is_error

    with variant() as server:
        ready: asyncio.Future[Client] = loop.create_future()
        finished = asyncio.Event()
        holder = loop.create_task(hold(server, ready, finished))
        client = loop.run_until_complete(ready)
        yield lambda times: loop.run_until_complete(call(client, times))
        finished.set()
        loop.run_until_complete(holder)
    loop.close()


def main() -> None:
    """Make the calls that `instructions.py` counts: the variant and the number of calls are arguments."""
    name, calls = sys.argv[1], int(sys.argv[2])
    with connected(VARIANTS[name]) as call:
        call(_WARM_UP)
        # A full collection walks everything that has been imported; whether one falls into a run is chance.
        gc.collect()
        gc.freeze()
        call(calls)


if __name__ == "__main__":
    main()
