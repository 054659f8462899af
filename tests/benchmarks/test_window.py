"""The window and the dashboard where there are many tools: what a question costs, and what a look at the page."""

from __future__ import annotations

import asyncio
import json
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from starlette.applications import Starlette

from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.http.dashboard.page import render
from mcp_opentelemetry.operations import operation
from mcp_opentelemetry.operations.operation import Operations
from mcp_opentelemetry.runtime import Runtime
from mcp_opentelemetry.summary import make_snapshot
from mcp_opentelemetry.window.tools import by_tool
from tests.benchmarks.test_scrape import ask, fill, largest_gap, note_gaps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_benchmark.fixture import BenchmarkFixture

_ROUNDS = 10
_TOOLS_IN_A_SMOKE_TEST = 20
_TOOLS_OF_THE_PAGE = 1_000
_INTERVAL = 0.1


@pytest.fixture
def calling(benchmark: BenchmarkFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Runtime]]:
    """Return what makes a runtime after each of so many tools was called three times, with an outcome each."""
    runtimes: list[Runtime] = []

    def call(tools: int) -> Runtime:
        meter_provider = MeterProvider(shutdown_on_exit=False)
        monkeypatch.setattr(metrics, "get_meter_provider", lambda: meter_provider)
        operations = Operations(None, TracerProvider(shutdown_on_exit=False), meter_provider)
        monkeypatch.setattr(operation, "_operations", operations)
        runtime = Runtime(Settings())
        runtimes.append(runtime)
        runtime.attach()
        fill(operations, min(tools, _TOOLS_IN_A_SMOKE_TEST) if benchmark.disabled else tools)
        runtime.monitor.window.collect()
        return runtime

    yield call
    for runtime in runtimes:
        runtime.close()


@pytest.mark.benchmark(group="window query", timer=process_time)
def test_cpu_of_a_query_for_200_tools(benchmark: BenchmarkFixture, calling: Callable[[int], Runtime]) -> None:
    window = calling(200).monitor.window

    def query() -> None:
        assert all(stats.response_stats()["count"] == stats.recent_requests == 3 for stats in by_tool(window).values())

    benchmark.pedantic(query, rounds=_ROUNDS, warmup_rounds=1)


@pytest.mark.benchmark(group="window collection", timer=process_time)
def test_cpu_of_a_collection_of_1000_series(benchmark: BenchmarkFixture, calling: Callable[[int], Runtime]) -> None:
    runtime = calling(0)
    histogram = metrics.get_meter_provider().get_meter("benchmark").create_histogram("benchmark", "s")
    series = 20 if benchmark.disabled else 1_000

    def record() -> None:
        for number in range(series):
            for value in (0.001, 0.01 * (1 + number % 7), 1.0):
                histogram.record(value, {"series": number})

    benchmark.pedantic(runtime.monitor.window.collect, setup=record, rounds=_ROUNDS, warmup_rounds=1)
    assert len(runtime.monitor.window.histograms("benchmark")) == series


@pytest.mark.benchmark(group="dashboard", timer=process_time)
def test_cpu_of_the_json_at_1000_tools(benchmark: BenchmarkFixture, calling: Callable[[int], Runtime]) -> None:
    runtime = calling(_TOOLS_OF_THE_PAGE)
    body = benchmark.pedantic(lambda: json.dumps(make_snapshot(runtime)), rounds=_ROUNDS, warmup_rounds=1)
    benchmark.extra_info["megabytes"] = len(body) / 1e6


@pytest.mark.benchmark(group="dashboard", timer=process_time)
def test_cpu_of_the_page_at_1000_tools(benchmark: BenchmarkFixture, calling: Callable[[int], Runtime]) -> None:
    runtime = calling(_TOOLS_OF_THE_PAGE)
    page = benchmark.pedantic(lambda: render(make_snapshot(runtime)), rounds=_ROUNDS, warmup_rounds=1)
    benchmark.extra_info["megabytes"] = len(page) / 1e6


@pytest.mark.benchmark(group="dashboard")
@pytest.mark.parametrize("kind", ["json", "html"])
def test_event_loop_goes_on_while_the_dashboard_is_asked_for(
    benchmark: BenchmarkFixture, calling: Callable[[int], Runtime], kind: str
) -> None:
    app = Starlette(routes=calling(_TOOLS_OF_THE_PAGE).routes())
    gaps: list[tuple[float, float]] = []

    async def ask_again_and_again() -> None:
        for _ in range(1 if benchmark.disabled else 10):
            start = perf_counter()
            await ask(app, f"/dashboard?format={kind}", b"tool_0000")
            await asyncio.sleep(max(0.0, _INTERVAL - (perf_counter() - start)))

    benchmark.pedantic(lambda: gaps.append(asyncio.run(largest_gap(ask_again_and_again))), rounds=3)
    note_gaps(benchmark, gaps)
