"""What becomes of what is exported, seen at the real exporters and the real queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult

from mcp_opentelemetry.exports import Exports, Signal
from mcp_opentelemetry.instrumentation.patches import Patches
from tests.integration.otlp_receiver import RECEIVERS
from tests.integration.processes import free_port
from tests.waiting import DEADLINE

SPANS: dict[str, Callable[..., Any]] = {
    "grpc": lambda endpoint, timeout=DEADLINE: GrpcSpans(endpoint=endpoint, insecure=True, timeout=timeout),
    "http/protobuf": lambda endpoint, timeout=DEADLINE: HttpSpans(endpoint=f"{endpoint}/v1/traces", timeout=timeout),
}
METRICS: dict[str, Callable[..., Any]] = {
    "grpc": lambda endpoint, timeout=DEADLINE: GrpcMetrics(endpoint=endpoint, insecure=True, timeout=timeout),
    "http/protobuf": lambda endpoint, timeout=DEADLINE: HttpMetrics(endpoint=f"{endpoint}/v1/metrics", timeout=timeout),
}
LOGS: dict[str, Callable[..., Any]] = {
    "grpc": lambda endpoint: GrpcLogs(endpoint=endpoint, insecure=True),
    "http/protobuf": lambda endpoint: HttpLogs(endpoint=f"{endpoint}/v1/logs"),
}
PROTOCOLS = list(RECEIVERS)


@pytest.fixture
def exports() -> Iterator[Exports]:
    exports, patches = Exports(), Patches()
    exports.install(patches)
    yield exports
    patches.remove()
    exports.remove()


def end_spans(exporter: SpanExporter, count: int = 1) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for number in range(count):
        provider.get_tracer("test").start_span(f"span {number}").end()
    provider.shutdown()


def collect(exporter: Any) -> None:
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    provider = MeterProvider([reader], shutdown_on_exit=False)
    provider.get_meter("test").create_counter("calls").add(1)
    provider.force_flush()
    provider.shutdown()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_success_is_noted(exports: Exports, protocol: str) -> None:
    start = monotonic()
    with RECEIVERS[protocol]() as receiver:
        end_spans(SPANS[protocol](receiver.endpoint), 2)
        collect(METRICS[protocol](receiver.endpoint))
        logs = LOGS[protocol](receiver.endpoint)
        assert logs.export([]).name == "SUCCESS"
        logs.shutdown()
    assert receiver.span_names() == ["span 0", "span 1"]
    signals = exports.by_signal()
    assert signals.keys() == {"traces", "metrics", "logs"}
    for signal in signals.values():
        assert signal.last_success is not None
        assert start <= signal.last_success <= monotonic()
        assert (signal.failures, signal.lost, signal.last_lost) == (0, 0, None)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_failures_in_a_row_and_lost_spans_are_counted_and_success_ends_the_row(exports: Exports, protocol: str) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    end_spans(SPANS[protocol](nowhere, timeout=0.1), 2)
    signal = exports.by_signal()["traces"]
    assert (signal.failures, signal.lost, signal.last_success) == (2, 2, None)
    assert signal.drops_recently(monotonic())
    with RECEIVERS[protocol]() as receiver:
        end_spans(SPANS[protocol](receiver.endpoint))
    assert (signal.failures, signal.lost) == (0, 2)
    assert signal.last_success is not None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_metrics_that_fail_are_not_lost(exports: Exports, protocol: str) -> None:
    collect(METRICS[protocol](f"http://127.0.0.1:{free_port()}", timeout=0.1))
    signal = exports.by_signal()["metrics"]
    assert signal.failures >= 1
    assert (signal.lost, signal.last_lost) == (0, None)


def test_what_an_exporter_raises_passes_and_counts(exports: Exports) -> None:
    class Broken(list[ReadableSpan]):
        def __iter__(self) -> Any:
            raise SystemExit("original")

    exporter = HttpSpans(endpoint=f"http://127.0.0.1:{free_port()}/v1/traces")
    with pytest.raises(SystemExit, match="original"):
        exporter.export(Broken([None]))  # type: ignore[list-item]
    exporter.shutdown()
    assert (exports.by_signal()["traces"].failures, exports.by_signal()["traces"].lost) == (1, 1)


class _Stuck(SpanExporter):
    """Takes the first batch and keeps it until it is let go."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.has_begun.set()
        self.may_end.wait(DEADLINE)
        return SpanExportResult.SUCCESS


def _overflow(dropped: int) -> None:
    """Have the SDK's queue drop so many spans."""
    exporter = _Stuck()
    processor = BatchSpanProcessor(exporter, max_queue_size=4, max_export_batch_size=1, schedule_delay_millis=60_000)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("test")
    try:
        tracer.start_span("first").end()
        assert exporter.has_begun.wait(DEADLINE)
        for _ in range(4 + dropped):
            tracer.start_span("further").end()
    finally:
        exporter.may_end.set()
        provider.shutdown()


def test_spans_that_a_full_queue_drops_are_counted_each(exports: Exports) -> None:
    _overflow(dropped=7)
    signal = exports.by_signal()["traces"]
    assert (signal.lost, signal.failures) == (7, 0)
    assert signal.drops_recently(monotonic())
    assert not signal.drops_recently(monotonic() + 61)


def test_other_records_of_the_queue_are_none_of_ours(exports: Exports) -> None:
    logging.getLogger("opentelemetry.sdk._shared_internal").warning("Queue is fine, %s.", "Span")
    assert exports.by_signal() == {}


def test_installed_twice_counts_drops_once(exports: Exports) -> None:
    exports.install(Patches())
    _overflow(dropped=3)
    assert exports.by_signal()["traces"].lost == 3


def test_removed_leaves_nothing_behind() -> None:
    classes = (GrpcSpans, GrpcMetrics, GrpcLogs, HttpSpans, HttpMetrics, HttpLogs)
    originals = [vars(exporter)["export"] for exporter in classes]
    logger = logging.getLogger("opentelemetry.sdk._shared_internal")
    filters = [*logger.filters]
    exports, patches = Exports(), Patches()
    exports.install(patches)
    assert all(vars(exporter)["export"] is not original for exporter, original in zip(classes, originals, strict=True))
    assert logger.filters != filters
    patches.remove()
    exports.remove()
    exports.remove()
    assert [vars(exporter)["export"] for exporter in classes] == originals
    assert logger.filters == filters
    _overflow(dropped=1)
    end_spans(HttpSpans(endpoint=f"http://127.0.0.1:{free_port()}/v1/traces", timeout=0.1))
    assert exports.by_signal() == {}


def test_details_tell_ages() -> None:
    assert Signal().details(10.0) == {"last_success_age": None, "consecutive_failures": 0, "lost": 0}
    assert Signal(7.5, 1, 2).details(10.0) == {"last_success_age": 2.5, "consecutive_failures": 1, "lost": 2}
