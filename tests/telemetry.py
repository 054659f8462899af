"""Telemetry in memory: real SDK providers of its own, real seams, and short ways to read what was recorded."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client.parser import text_string_to_metric_families

from mcp_opentelemetry.health.lifecycle import Lifecycle
from mcp_opentelemetry.instrumentation.patches import Patches
from mcp_opentelemetry.instrumentation.seams import install_seams, mcp_major
from mcp_opentelemetry.instrumentation.startup import watch
from mcp_opentelemetry.operations.capture import Capture
from mcp_opentelemetry.operations.operation import Operations
from mcp_opentelemetry.readers import ScrapeReader
from tests.waiting import DEADLINE

Labels = dict[str, str]


class _Bell(SpanProcessor):
    """Rings at the end of each span."""

    def __init__(self) -> None:
        self.rung = anyio.Event()

    def on_end(self, span: ReadableSpan) -> None:
        self.rung.set()


class Telemetry:
    """Providers, operations and seams of one test."""

    def __init__(self, capture: Capture | None = None) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._bell = _Bell()
        self.tracer_provider.add_span_processor(self._bell)
        self.reader = InMemoryMetricReader()
        self.scrape_reader = ScrapeReader()
        self.meter_provider = MeterProvider([self.reader, self.scrape_reader], shutdown_on_exit=False)
        self.operations = Operations(capture, self.tracer_provider, self.meter_provider)
        self.serving: list[Any] = []

    @contextmanager
    def instrumented(self, *, client: bool = False) -> Generator[None]:
        """Put the seams in: the server's, and the client's where a test is about both sides."""
        patches = Patches()
        install_seams(mcp_major(), self.operations, self.serving.append, patches, client=client)
        watch(patches, self.serving.append, lambda: None, Lifecycle())
        try:
            yield
        finally:
            patches.remove()

    def spans(self, method: str | None = None) -> list[ReadableSpan]:
        """Return the server spans that have ended, of one method or of all."""
        spans = [span for span in self._exporter.get_finished_spans() if span.kind is SpanKind.SERVER]
        return [span for span in spans if method in {None, attributes(span).get("mcp.method.name")}]

    def sent(self, method: str | None = None) -> list[ReadableSpan]:
        """Return the client spans that have ended, of one method or of all."""
        spans = [span for span in self._exporter.get_finished_spans() if span.kind is SpanKind.CLIENT]
        return [span for span in spans if method in {None, attributes(span).get("mcp.method.name")}]

    def all_spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def span(self, method: str = "tools/call") -> ReadableSpan:
        """Return the only span of a method."""
        (span,) = self.spans(method)
        return span

    async def ended(self, method: str) -> ReadableSpan:
        """Wait for the only span of a method to end."""
        with anyio.fail_after(DEADLINE):
            while not self.spans(method):
                self._bell.rung = anyio.Event()
                await self._bell.rung.wait()
        return self.span(method)

    def forget_spans(self) -> None:
        self._exporter.clear()

    def samples(self) -> list[tuple[str, Labels, float]]:
        """Return what a scrape shows, without empty labels."""
        text = self.scrape_reader.render()[0].decode()
        return [
            (sample.name, {key: value for key, value in sample.labels.items() if value}, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]

    def values(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """Return the series of one metric."""
        return {frozenset(labels.items()): value for sample, labels, value in self.samples() if sample == name}

    def value(self, name: str, **labels: str) -> float | None:
        """Return one series, named by all of its labels."""
        return self.values(name).get(frozenset(labels.items()))


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    assert span.attributes is not None
    return span.attributes
