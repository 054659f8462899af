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
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


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

    def take(self, request: Any) -> Any:
        """Keep what one request carries; returns the answer."""
        self.requests += 1
        if self.hangs:
            self.closing.wait()
        match request:
            case traces.ExportTraceServiceRequest():
                scopes = [scope for resource in request.resource_spans for scope in resource.scope_spans]
                self.spans += [span for scope in scopes for span in scope.spans]
                return traces.ExportTraceServiceResponse()
            case metrics.ExportMetricsServiceRequest():
                scopes = [scope for resource in request.resource_metrics for scope in resource.scope_metrics]
                self.metrics += [metric for scope in scopes for metric in scope.metrics]
                return metrics.ExportMetricsServiceResponse()
            case logs.ExportLogsServiceRequest():
                scopes = [scope for resource in request.resource_logs for scope in resource.scope_logs]
                self.log_records += [record for scope in scopes for record in scope.log_records]
                return logs.ExportLogsServiceResponse()
        raise TypeError(request)


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
