"""The reader behind /metrics."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client.parser import text_string_to_metric_families

from mcp_opentelemetry import readers
from mcp_opentelemetry.readers import ScrapeReader


@pytest.fixture
def reader() -> ScrapeReader:
    return ScrapeReader()


@pytest.fixture
def provider(reader: ScrapeReader) -> MeterProvider:
    return MeterProvider([reader], shutdown_on_exit=False)


def _samples(reader: ScrapeReader) -> list[tuple[str, float]]:
    families = text_string_to_metric_families(reader.render()[0].decode())
    return [
        (sample.name, sample.value) for family in families for sample in family.samples if "target" not in sample.name
    ]


def test_flush_of_the_provider_does_not_double_the_next_scrape(reader: ScrapeReader, provider: MeterProvider) -> None:
    provider.get_meter("test").create_counter("calls").add(1)
    provider.force_flush()
    provider.force_flush()
    assert _samples(reader) == [("calls_total", 1.0)]


def test_scrapes_at_once_see_each_metric_once(reader: ScrapeReader, provider: MeterProvider) -> None:
    counter = provider.get_meter("test").create_counter("calls")
    for number in range(100):
        counter.add(1, {"tool": str(number)})
    with ThreadPoolExecutor(8) as threads:
        scrapes = list(threads.map(lambda _: _samples(reader), range(40)))
    assert {len(scrape) for scrape in scrapes} == {100}


def test_thousands_of_label_sets_are_not_cut_off(reader: ScrapeReader, provider: MeterProvider) -> None:
    meter = provider.get_meter("test")
    histogram, counter = meter.create_histogram("duration"), meter.create_counter("calls")
    for number in range(3_000):
        histogram.record(1, {"tool": str(number)})
        counter.add(1, {"tool": str(number)})
    text = reader.render()[0].decode()
    assert text.count("\ncalls_total{") == text.count("\nduration_count{") == 3_000
    assert "overflow" not in text


def test_overflow_is_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(readers, "_MOST_LABEL_SETS", 10)
    reader = ScrapeReader()
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("test").create_counter("calls")
    for number in range(20):
        counter.add(1, {"tool": str(number)})
    with caplog.at_level(logging.WARNING):
        reader.render()
        reader.render()
    (record,) = caplog.records
    assert "10 label sets" in record.getMessage()


def test_series_carry_no_scope_labels(reader: ScrapeReader, provider: MeterProvider) -> None:
    provider.get_meter("test", "1").create_counter("calls").add(1)
    assert "otel_scope" not in reader.render()[0].decode()
