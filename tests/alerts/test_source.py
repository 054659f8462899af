"""The window as series: named, labelled and sampled as a scrape would see them, and known from the start."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider

from mcp_opentelemetry.alerts.promql.compiler import compile_expression
from mcp_opentelemetry.alerts.promql.model import NAME, Evaluation, Matcher
from mcp_opentelemetry.alerts.source import LONGEST, WindowStorage
from mcp_opentelemetry.operations.semconv import DURATION_BOUNDARIES
from mcp_opentelemetry.readers import ScrapeReader
from mcp_opentelemetry.window.reader import WindowReader
from mcp_opentelemetry.window.window import Window

EPOCH = 1_800_000_000.0
COMMON = {"job": "weather", "instance": "one"}


class Measured:
    """A meter, a window and a scrape of the same measurements, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.moment = 0.0
        self.reader = WindowReader()
        self.scraped = ScrapeReader()
        provider = MeterProvider([self.scraped], shutdown_on_exit=False)
        self.reader.attach(provider)
        self.meter = provider.get_meter("test")
        self.window = Window(self.reader.collect, lambda: self.moment)
        self.storage = WindowStorage(self.window, lambda: COMMON, lambda: EPOCH + self.moment)

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.moment += 1
            self.window.keep_up()

    def value(self, expression: str) -> Any:
        self.window.collect()
        return compile_expression(expression, LONGEST).evaluate(Evaluation(self.storage, EPOCH + self.moment))


@pytest.fixture
def measured() -> Measured:
    return Measured()


def names(measured: Measured) -> Iterator[str]:
    for series in measured.storage.select([Matcher(NAME, "=~", ".+")]):
        yield dict(series.labels)[NAME]


def test_series_have_the_names_and_labels_of_a_scrape(measured: Measured) -> None:
    meter = measured.meter
    meter.create_counter("mcp.requests", "{request}").add(1, {"tool": "a", "status": "success"})
    meter.create_counter("sent.total", "By").add(1)
    meter.create_up_down_counter("mcp.server.active_requests", "{request}").add(1, {"mcp.method.name": "x"})
    meter.create_gauge("system.memory.utilization", "1").set(0.5, {"system.memory.state": "used"})
    meter.create_gauge("speed", "m/s").set(2, {"flag": True, "list": ["a"]})
    meter.create_histogram(
        "mcp.server.operation.duration", "s", explicit_bucket_boundaries_advisory=list(DURATION_BOUNDARIES)
    ).record(0.3, {"gen_ai.tool.name": "a"})
    measured.window.collect()
    scraped = {
        line.partition("{")[0].partition(" ")[0]
        for line in measured.scraped.render()[0].decode().splitlines()
        if not line.startswith("#") and not line.startswith("target_info")
    }
    assert set(names(measured)) == scraped
    bounds = {
        dict(series.labels)["le"]
        for series in measured.storage.select([Matcher(NAME, "=", "mcp_server_operation_duration_seconds_bucket")])
    }
    text = measured.scraped.render()[0].decode()
    assert all(f'le="{bound}"' in text for bound in bounds)
    assert len(bounds) == len(DURATION_BOUNDARIES) + 1
    assert measured.value('speed_meters_per_second{flag="true"}') == {
        tuple(sorted({**COMMON, NAME: "speed_meters_per_second", "flag": "true", "list": '["a"]'}.items())): 2.0
    }


def test_first_calls_count_although_no_earlier_sample_says_zero(measured: Measured) -> None:
    calls = measured.meter.create_counter("mcp.requests", "{request}")
    measured.pass_time(25)
    calls.add(30, {"tool": "a"})
    measured.pass_time(20)
    (increase,) = measured.value("increase(mcp_requests_total[1m])").values()
    assert increase == pytest.approx(30, rel=0.5)
    assert increase >= 30


def test_rate_is_that_of_what_was_counted(measured: Measured) -> None:
    calls = measured.meter.create_counter("mcp.requests", "{request}")
    for _ in range(400):
        calls.add(2)
        measured.pass_time(1)
    for window in ("30s", "1m", "5m"):
        (rate,) = measured.value(f"rate(mcp_requests_total[{window}])").values()
        assert rate == pytest.approx(2, rel=0.02), window


def test_hours_are_seen_in_coarser_samples(measured: Measured) -> None:
    calls = measured.meter.create_counter("mcp.requests", "{request}")
    for _ in range(4 * 360):
        calls.add(10)
        measured.pass_time(10)
    for window in ("1h", "3h"):
        (rate,) = measured.value(f"rate(mcp_requests_total[{window}])").values()
        assert rate == pytest.approx(1, rel=0.02), window
    (before,) = measured.value("mcp_requests_total offset 2h").values()
    assert before == pytest.approx(7200, rel=0.1)


def test_quantile_over_buckets_is_the_durations(measured: Measured) -> None:
    durations = measured.meter.create_histogram("mcp.server.operation.duration", "s")
    for _ in range(30):
        durations.record(0.15, {"gen_ai.tool.name": "a"})
        durations.record(4.0, {"gen_ai.tool.name": "b"})
        measured.pass_time(1)
    found = measured.value(
        "histogram_quantile(0.5, sum by (gen_ai_tool_name, le) "
        "(rate(mcp_server_operation_duration_seconds_bucket[1m])))"
    )
    by_tool = {dict(labels)["gen_ai_tool_name"]: value for labels, value in found.items()}
    assert by_tool == {"a": pytest.approx(0.15, rel=0.01), "b": pytest.approx(4.0, rel=0.01)}  # not a bucket's bounds
    found = measured.value(
        "histogram_quantile(0.5, sum by (gen_ai_tool_name, le) "
        "(rate(mcp_server_operation_duration_seconds_bucket{le=~'.+'}[1m])))"
    )
    by_bucket = {dict(labels)["gen_ai_tool_name"]: value for labels, value in found.items()}
    assert 0.1 <= by_bucket["a"] <= 0.2
    assert 2 <= by_bucket["b"] <= 5
    (whole,) = measured.value(
        "histogram_quantile(0.9, sum without (gen_ai_tool_name, le) "
        "(rate(mcp_server_operation_duration_seconds_bucket[1m])))"
    ) or (None,)
    assert whole is None  # without bounds there is no quantile, as in Prometheus
    (whole,) = measured.value(
        "histogram_quantile(0.9, sum without (gen_ai_tool_name) "
        "(increase(mcp_server_operation_duration_seconds_bucket[5m])))"
    ).values()
    assert whole == pytest.approx(4.0, rel=0.01)
    (average,) = measured.value(
        'sum(rate(mcp_server_operation_duration_seconds_sum{gen_ai_tool_name="b"}[1m])) '
        '/ sum(rate(mcp_server_operation_duration_seconds_count{gen_ai_tool_name="b"}[1m]))'
    ).values()
    assert average == pytest.approx(4.0, rel=0.01)


def test_unknown_metric_is_empty(measured: Measured) -> None:
    assert measured.value("up == 0") == {}
    assert measured.value("absent(up)") == {(): 1.0}


def test_gauge_that_is_no_longer_reported_goes_stale(measured: Measured) -> None:
    measured.meter.create_gauge("g").set(1)
    measured.window.collect()
    assert len(measured.value("g")) == 1
    measured.moment += 10_000
    assert math.isclose(measured.storage.covered(), 10_000)
