"""A scrape of 1,000 tools with 3 outcomes each: what it costs, and for how long the event loop stands still."""

from __future__ import annotations

import asyncio
from time import perf_counter, process_time, thread_time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from starlette.applications import Starlette

from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.http.routes import make_routes
from mcp_opentelemetry.operations.message import Message, Transport
from mcp_opentelemetry.operations.operation import Operations
from mcp_opentelemetry.operations.outcome import SUCCESS, protocol_error, tool_error
from mcp_opentelemetry.readers import ScrapeReader
from mcp_opentelemetry.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_benchmark.fixture import BenchmarkFixture

_TOOLS = 1_000
_TOOLS_IN_A_SMOKE_TEST = 20
_ROUNDS = 10
_BEAT = 0.001
_EXPECTED = b"mcp_server_operation_duration_seconds_bucket"


@pytest.fixture
def reader(benchmark: BenchmarkFixture) -> ScrapeReader:
    reader = ScrapeReader()
    operations = Operations(
        tracer_provider=TracerProvider(shutdown_on_exit=False),
        meter_provider=MeterProvider([reader], shutdown_on_exit=False),
    )
    fill(operations, _TOOLS_IN_A_SMOKE_TEST if benchmark.disabled else _TOOLS)
    return reader


def fill(operations: Operations, tools: int) -> None:
    """Call each tool three times: with success, with an error of its own, with wrong arguments."""
    outcomes = (SUCCESS, tool_error(ValueError()), protocol_error(-32602, None, fault="invalid_arguments"))
    transport = Transport("tcp", "http", "1.1")
    for number in range(tools):
        for outcome in outcomes:
            message = Message(
                method="tools/call",
                raw_method="tools/call",
                target=f"tool_{number:04}",
                request_id=1,
                protocol_version="2026-07-28",
                transport=transport,
            )
            operations.end(operations.begin(message), outcome)


@pytest.mark.benchmark(group="scrape", timer=process_time)
def test_cpu_of_a_scrape(benchmark: BenchmarkFixture, reader: ScrapeReader) -> None:
    body, _ = benchmark.pedantic(reader.render, rounds=_ROUNDS, warmup_rounds=1)
    benchmark.extra_info["samples"] = sum(not line.startswith(b"#") for line in body.splitlines())
    benchmark.extra_info["megabytes"] = len(body) / 1e6


@pytest.mark.benchmark(group="scrape")
def test_event_loop_goes_on_during_a_scrape(benchmark: BenchmarkFixture, reader: ScrapeReader) -> None:
    # Of the runtime, the endpoint asks no more than this.
    runtime: Any = SimpleNamespace(settings=Settings(), scrape=reader.render, workers=Workers())
    app = Starlette(routes=make_routes(runtime, ["metrics"], on_own_port=False))
    gaps: list[tuple[float, float]] = []

    def measure() -> None:
        gaps.append(asyncio.run(largest_gap(lambda: ask(app, "/metrics", _EXPECTED))))

    benchmark.pedantic(measure, rounds=_ROUNDS)
    note_gaps(benchmark, gaps)


async def ask(app: Starlette, target: str, expected: bytes) -> None:
    """Ask an endpoint as a client on this machine.

    Args:
        app: where it is.
        target: its path and query.
        expected: what the body must have in it.
    """
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 50_000),
    }
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(cast("dict[str, Any]", message))

    await app(scope, receive, send)
    assert messages[0]["status"] == 200
    assert expected in messages[1]["body"]


async def largest_gap(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Return how late a task that wants to run every millisecond was at most, in seconds and in CPU seconds."""
    gaps: list[tuple[float, float]] = [(0.0, 0.0)]

    async def beat() -> None:
        while True:
            wall, others = perf_counter(), process_time() - thread_time()
            await asyncio.sleep(_BEAT)
            gaps.append((perf_counter() - wall - _BEAT, process_time() - thread_time() - others))

    beating = asyncio.create_task(beat())
    await asyncio.sleep(10 * _BEAT)
    gaps.clear()
    await work()
    await asyncio.sleep(10 * _BEAT)
    beating.cancel()
    return max(wall for wall, _ in gaps), max(cpu for _, cpu in gaps)


def note_gaps(benchmark: BenchmarkFixture, gaps: list[tuple[float, float]]) -> None:
    """Put the largest gaps of each round beside the benchmark's own figures."""
    walls, cpus = ([1_000 * seconds for seconds in column] for column in zip(*gaps, strict=True))
    benchmark.extra_info["largest_gap_ms"] = [round(gap, 1) for gap in walls]
    # What this process computed meanwhile: other processes can stretch a gap, but not this.
    benchmark.extra_info["largest_gap_cpu_ms"] = [round(gap, 1) for gap in cpus]
