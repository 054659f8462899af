"""What the gateway makes of spans: metrics for servers that send none of their own, and samples where it is told to."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode

from tests.integration.collector import Collector
from tests.integration.collector_files import GATEWAY, TAIL_SAMPLING
from tests.integration.http_servers import HttpServer
from tests.integration.otlp_receiver import Receiver, http_receiver
from tests.integration.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALLS = "traces_span_metrics_calls_total"
_TIMES = "traces_span_metrics_duration_seconds_count"
_SECOND = 1_000_000_000


@pytest.fixture
def backend() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def gateway(tmp_path: Path, backend: Receiver) -> Iterator[Collector]:
    settings = {"OTELCOL_BACKEND_ENDPOINT": backend.endpoint, "OTELCOL_SPAN_METRICS_INTERVAL": "200ms"}
    with Collector(tmp_path, GATEWAY, settings=settings) as gateway:
        yield gateway


def measured(gateway: Collector) -> set[str]:
    """Return the jobs that have span metrics."""
    return {sample.labels["job"] for sample in gateway.samples() if sample.name == _CALLS}


def sending_to(gateway: Collector) -> TracerProvider:
    """Return a provider that is nobody's distribution."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{gateway.endpoint}/v1/traces")))
    return provider


def call(gateway: Collector, job: str, *, ours: bool, **settings: str) -> None:
    """Have a server send the spans of a call that works and of one that does not; returns when they are taken."""
    server = "stdio_or_http.py" if ours else "native.py"
    settings = {**gateway.settings, "OTEL_SERVICE_NAME": job, **settings}
    with HttpServer("streamable-http", server, settings=settings, instrumented=ours) as process:
        process.call("add", a=1, b=2)
        process.call("boom")
        process.send_signal(signal.SIGTERM)


def test_server_that_sends_spans_only_is_measured_and_one_of_ours_is_not(gateway: Collector, backend: Receiver) -> None:
    call(gateway, "ours", ours=True)
    call(gateway, "native", ours=False)
    wait_until(lambda: gateway.sum_of(_CALLS, job="native", mcp_method_name="tools/call") == 2)
    assert measured(gateway) == {"native"}
    assert gateway.sum_of(_CALLS, job="native", gen_ai_tool_name="add") == 1
    assert gateway.sum_of(_CALLS, job="native", gen_ai_tool_name="boom", error_type="tool_error") == 1
    assert gateway.sum_of(_TIMES, job="native", mcp_method_name="tools/call") == 2
    wait_until(lambda: backend.span_names().count("tools/call add") == 2)  # the spans of both go on


def test_server_may_say_whether_it_is_measured(gateway: Collector) -> None:
    call(gateway, "native", ours=False, OTEL_RESOURCE_ATTRIBUTES="mcp.span_metrics=false")
    metrics_are_off = {"OTEL_METRICS_EXPORTER": "none", "OTEL_RESOURCE_ATTRIBUTES": "mcp.span_metrics=true"}
    call(gateway, "ours", ours=True, **metrics_are_off)
    wait_until(lambda: gateway.sum_of(_CALLS, job="ours", mcp_method_name="tools/call") == 2)
    assert measured(gateway) == {"ours"}


def test_spans_of_ours_are_not_measured_where_another_distribution_has_set_the_sdk_up(gateway: Collector) -> None:
    provider = sending_to(gateway)
    provider.get_tracer("mcp_opentelemetry").start_span("measured in process").end()
    provider.get_tracer("another").start_span("not measured").end()
    provider.shutdown()
    wait_until(lambda: gateway.sum_of(_CALLS) > 0)
    assert {each.labels["span_name"] for each in gateway.samples() if each.name == _CALLS} == {"not measured"}


def test_tail_sampling_keeps_errors_and_slow_traces_and_measures_all(tmp_path: Path, backend: Receiver) -> None:
    settings = {
        "OTELCOL_BACKEND_ENDPOINT": backend.endpoint,
        "OTELCOL_SPAN_METRICS_INTERVAL": "200ms",
        "OTELCOL_DECISION_WAIT": "1s",
        "OTELCOL_SAMPLED_PERCENT": "0",
    }
    with Collector(tmp_path, GATEWAY, TAIL_SAMPLING, settings=settings) as gateway:
        provider = sending_to(gateway)
        tracer = provider.get_tracer("test")
        for _ in range(100):
            tracer.start_span("good").end()
            slow = tracer.start_span("slow", start_time=1_700_000_000 * _SECOND)
            slow.end(1_700_000_006 * _SECOND)
            bad = tracer.start_span("bad")
            bad.set_status(Status(StatusCode.ERROR))
            bad.end()
        provider.force_flush()
        wait_until(lambda: gateway.sum_of(_CALLS) == 300)
        wait_until(lambda: len(backend.spans) >= 200)
        # What comes after them is judged after them.
        last = tracer.start_span("last")
        last.set_status(Status(StatusCode.ERROR))
        last.end()
        provider.shutdown()
        wait_until(lambda: "last" in backend.span_names())
    kept = backend.span_names()
    print(f"100 good, 100 slow, 100 bad made; kept: { ({name: kept.count(name) for name in set(kept)}) }")
    assert {name: kept.count(name) for name in set(kept)} == {"slow": 100, "bad": 100, "last": 1}
