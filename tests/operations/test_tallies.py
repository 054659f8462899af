"""Counts: right under threads, bounded, and consistent with each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

from mcp_opentelemetry.operations.tallies import Tallies
from tests.telemetry import Telemetry


def test_counts_from_many_threads_are_all_there() -> None:
    telemetry = Telemetry()
    tallies = telemetry.operations.measurements.tallies
    active, tool = tallies.active("tools/call", "add"), tallies.tool("add")

    def call(number: int) -> None:
        tallies.started(active)
        tallies.finished(active, tool, "KeyError" if number % 4 == 0 else None)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(call, range(20_000)))
    assert telemetry.value("mcp_requests_total", tool="add", status="success") == 15_000
    assert telemetry.value("mcp_requests_total", tool="add", status="error") == 5_000
    assert telemetry.value("mcp_errors_total", tool="add", error_type="KeyError") == 5_000
    assert telemetry.value("mcp_server_active_requests", mcp_method_name="tools/call", gen_ai_tool_name="add") == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.text(min_size=1, max_size=2)), max_size=300))
def test_errors_add_up_to_failed_requests(calls: list[tuple[str, str | None]]) -> None:
    telemetry = Telemetry()
    tallies = telemetry.operations.measurements.tallies
    for name, failure in calls:
        tallies.finished(None, tallies.tool(name), failure)
    for name in {name for name, _ in calls}:
        failed = sum(failure is not None for called, failure in calls if called == name)
        errors = telemetry.values("mcp_errors_total")
        assert sum(value for labels, value in errors.items() if ("tool", name) in labels) == failed
        assert telemetry.value("mcp_requests_total", tool=name, status="error") == failed


def test_error_types_are_bounded_and_the_rest_is_still_counted() -> None:
    telemetry = Telemetry()
    tallies = telemetry.operations.measurements.tallies
    for number in range(1_000):
        tallies.finished(None, tallies.tool("proxy"), f"Error{number}")
    assert len(telemetry.values("mcp_errors_total")) == 101
    assert telemetry.value("mcp_errors_total", tool="proxy", error_type="_OTHER") == 900


def test_reader_of_deltas_sees_each_call_once() -> None:
    reader = InMemoryMetricReader(preferred_temporality={ObservableCounter: AggregationTemporality.DELTA})
    tallies = Tallies(MeterProvider([reader], shutdown_on_exit=False).get_meter("test"))
    tool = tallies.tool("add")
    for calls in (3, 2, 0):
        for _ in range(calls):
            tallies.finished(None, tool, None)
        data = reader.get_metrics_data()
        assert data is not None
        (requests,) = [
            metric for metric in data.resource_metrics[0].scope_metrics[0].metrics if metric.name == "mcp.requests"
        ]
        points: Any = requests.data.data_points
        assert sum(point.value for point in points if point.attributes["status"] == "success") == calls
