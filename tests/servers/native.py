"""The server of `stdio_or_http.py` with nothing but the spans of its SDK: `native.py streamable-http PORT`."""

from __future__ import annotations

import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)

from stdio_or_http import mcp  # noqa: E402 (after the provider that it is to find)

mcp.run("streamable-http", port=int(sys.argv[2]))
