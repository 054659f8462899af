"""A STUB of an OTLP receiver, over gRPC and over HTTP/protobuf: it keeps what arrives, and is no collector.

It listens on a free port of loopback. `hangs=True` makes one that accepts every request and never answers;
`refuses` is the HTTP status that one answers with from now on, keeping nothing.
"""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, ClassVar

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces_grpc

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span


@dataclass
class Receiver:
    """Where to send to, and what has arrived there."""

    protocol: str
    hangs: bool
    refuses: int = 0
    endpoint: str = ""
    spans: list[Span] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    log_records: list[LogRecord] = field(default_factory=list)
    resource_spans: list[ResourceSpans] = field(default_factory=list)
    resource_metrics: list[ResourceMetrics] = field(default_factory=list)
    requests: int = 0
    closing: Event = field(default_factory=Event)

    @property
    def settings(self) -> dict[str, str]:
        """The variables that make a process send everything here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": self.protocol}

    def span_names(self) -> list[str]:
        """Return the names of all spans."""
        return [span.name for span in self.spans]

    def logged(self) -> list[str]:
        """Return the texts of all log records."""
        return [record.body.string_value for record in self.log_records]

    def counted(self, metric_name: str, **labels: str) -> int:
        """Return the last value of a counter that arrived with these labels; 0 if none did."""
        values = [0]
        for metric in self.metrics:
            if metric.name != metric_name:
                continue
            for point in metric.sum.data_points:
                attributes = {pair.key: pair.value.string_value for pair in point.attributes}
                if labels.items() <= attributes.items():
                    values.append(point.as_int)
        return values[-1]

    def counted_by_instance(self, metric_name: str, **labels: str) -> dict[str, int]:
        """Return the last value of a counter with these labels from each process, by its `service.instance.id`."""
        values: dict[str, int] = {}
        for part in self.resource_metrics:
            alone = Receiver(
                self.protocol, self.hangs, metrics=[m for scope in part.scope_metrics for m in scope.metrics]
            )
            if any(metric.name == metric_name for metric in alone.metrics):
                values[instance_of(part.resource)] = alone.counted(metric_name, **labels)
        return values

    def instances_with(self, metric_name: str) -> set[str]:
        """Return the processes that have sent a metric, by their `service.instance.id`."""
        return {
            instance_of(part.resource)
            for part in self.resource_metrics
            for scope in part.scope_metrics
            for metric in scope.metrics
            if metric.name == metric_name
        }

    def instances_of_spans(self, name: str) -> list[str]:
        """Return the `service.instance.id` of the process of each span of that name."""
        return [
            instance_of(part.resource)
            for part in self.resource_spans
            for scope in part.scope_spans
            for span in scope.spans
            if span.name == name
        ]

    def take(self, request: Any) -> Any:
        """Keep what one request carries; returns the answer."""
        self.requests += 1
        if self.hangs:
            self.closing.wait()
        match request:
            case traces.ExportTraceServiceRequest():
                self.resource_spans += request.resource_spans
                scopes = [scope for resource in request.resource_spans for scope in resource.scope_spans]
                self.spans += [span for scope in scopes for span in scope.spans]
                return traces.ExportTraceServiceResponse()
            case metrics.ExportMetricsServiceRequest():
                self.resource_metrics += request.resource_metrics
                scopes = [scope for resource in request.resource_metrics for scope in resource.scope_metrics]
                self.metrics += [metric for scope in scopes for metric in scope.metrics]
                return metrics.ExportMetricsServiceResponse()
            case logs.ExportLogsServiceRequest():
                scopes = [scope for resource in request.resource_logs for scope in resource.scope_logs]
                self.log_records += [record for scope in scopes for record in scope.log_records]
                return logs.ExportLogsServiceResponse()
        raise TypeError(request)


def instance_of(resource: Resource) -> str:
    """Return which process a resource is."""
    (instance,) = (pair.value.string_value for pair in resource.attributes if pair.key == "service.instance.id")
    return instance


class _Service(traces_grpc.TraceServiceServicer, metrics_grpc.MetricsServiceServicer, logs_grpc.LogsServiceServicer):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (gRPC's name)
        return self._receiver.take(request)


@contextmanager
def grpc_receiver(*, hangs: bool = False) -> Generator[Receiver]:
    """Run a receiver for OTLP over gRPC."""
    receiver = Receiver("grpc", hangs)
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    service = _Service(receiver)
    traces_grpc.add_TraceServiceServicer_to_server(service, server)
    metrics_grpc.add_MetricsServiceServicer_to_server(service, server)
    logs_grpc.add_LogsServiceServicer_to_server(service, server)
    receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.stop(grace=None).wait()


class _HttpServer(ThreadingHTTPServer):
    receiver: Receiver


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    requests: ClassVar = {
        "/v1/traces": traces.ExportTraceServiceRequest,
        "/v1/metrics": metrics.ExportMetricsServiceRequest,
        "/v1/logs": logs.ExportLogsServiceRequest,
    }

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.receiver.refuses:
            self.server.receiver.requests += 1
            self.send_response(self.server.receiver.refuses)
            self.end_headers()
            return
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        answer = self.server.receiver.take(self.requests[self.path].FromString(body)).SerializeToString()
        if self.server.receiver.hangs:
            return  # the sender is long gone
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Keep quiet."""


@contextmanager
def http_receiver(*, hangs: bool = False, port: int = 0) -> Generator[Receiver]:
    """Run a receiver for OTLP over HTTP/protobuf."""
    receiver = Receiver("http/protobuf", hangs)
    with _HttpServer(("127.0.0.1", port), _Handler) as server:
        server.receiver = receiver
        receiver.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.closing.set()
            server.shutdown()
            thread.join()


RECEIVERS = {"grpc": grpc_receiver, "http/protobuf": http_receiver}
