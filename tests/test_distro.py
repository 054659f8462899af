"""Defaults of the environment, and what of it the SDK gets to see."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Any

import pytest
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
from opentelemetry.sdk.trace.export import ConsoleSpanExporter
from opentelemetry.util.http import parse_excluded_urls

from mcp_opentelemetry.configurator import (
    exports_anything,
    is_disabled,
    prometheus_is_ours,
    with_identity,
)
from mcp_opentelemetry.consoles import keep_consoles_off_stdout, take_consoles_off_stdout
from mcp_opentelemetry.distro import (
    export_where_an_endpoint_is_named,
    keep_our_configurator,
    keep_probes_out_of_traces,
)
from mcp_opentelemetry.identity import script_name

EXCLUDED = [f"OTEL_PYTHON_{framework}_EXCLUDED_URLS" for framework in ("ASGI", "FASTAPI", "STARLETTE")]
EXPORTERS = ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER")


@pytest.mark.parametrize(
    "group",
    [
        "opentelemetry_distro",
        "opentelemetry_configurator",
        "opentelemetry_instrumentor",
        "opentelemetry_environment_variables",
    ],
)
def test_entry_point_loads(group: str) -> None:
    (entry_point,) = entry_points(group=group, name="mcp_opentelemetry")
    assert entry_point.load() is not None


def test_our_configurator_is_pinned_unless_the_user_has_chosen() -> None:
    environ: dict[str, str] = {}
    keep_our_configurator(environ)
    assert environ == {"OTEL_PYTHON_CONFIGURATOR": "mcp_opentelemetry"}
    environ = {"OTEL_PYTHON_CONFIGURATOR": "other"}
    keep_our_configurator(environ)
    assert environ == {"OTEL_PYTHON_CONFIGURATOR": "other"}


@pytest.mark.parametrize(
    ("environ", "chosen"),
    [
        ({}, {}),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317"},
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp"},
        ),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://localhost"}, {"OTEL_LOGS_EXPORTER": "otlp"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, {}),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost"}, {"OTEL_METRICS_EXPORTER": "otlp"}),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost", "OTEL_LOGS_EXPORTER": "none"},
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "none"},
        ),
    ],
)
def test_signals_are_exported_where_an_endpoint_is_named(environ: dict[str, str], chosen: dict[str, str]) -> None:
    export_where_an_endpoint_is_named(environ)
    assert {name: environ[name] for name in EXPORTERS if name in environ} == chosen


@pytest.mark.parametrize(
    ("url", "excluded"),
    [
        ("http://localhost/health", True),
        ("http://localhost:8000/sub/readyz", True),
        ("http://localhost/livez?verbose", True),
        ("http://localhost/metrics", True),
        ("http://localhost/mcp", False),
        ("http://localhost/healthy", False),
        ("http://localhost/health/of/patients", False),
        ("http://metrics.example/mcp", False),
        ("http://localhost/mcp?then=/x", False),
    ],
)
def test_probes_are_kept_out_of_the_traces_of_web_frameworks(url: str, excluded: bool) -> None:
    environ: dict[str, str] = {}
    keep_probes_out_of_traces(environ)
    assert sorted(environ) == EXCLUDED
    assert [parse_excluded_urls(environ[name]).url_disabled(url) for name in EXCLUDED] == [excluded] * 3


def test_what_the_user_excludes_from_traces_stays() -> None:
    environ = {"OTEL_PYTHON_EXCLUDED_URLS": ""}
    keep_probes_out_of_traces(environ)
    assert environ == {"OTEL_PYTHON_EXCLUDED_URLS": ""}
    environ = {"OTEL_PYTHON_STARLETTE_EXCLUDED_URLS": "mine"}
    keep_probes_out_of_traces(environ)
    assert environ["OTEL_PYTHON_STARLETTE_EXCLUDED_URLS"] == "mine"
    assert sorted(environ) == EXCLUDED


@pytest.mark.parametrize(
    ("value", "during"), [("prometheus", "none"), ("otlp, prometheus", "otlp"), ("otlp", "otlp"), ("none", "none")]
)
def test_sdk_does_not_see_the_prometheus_exporter_and_children_do(value: str, during: str) -> None:
    environ = {"OTEL_METRICS_EXPORTER": value}
    with prometheus_is_ours(environ):
        assert environ == {"OTEL_METRICS_EXPORTER": during}
    assert environ == {"OTEL_METRICS_EXPORTER": value}


def test_environment_without_exporters_stays_without() -> None:
    environ: dict[str, str] = {}
    with prometheus_is_ours(environ):
        assert not environ
    assert not environ


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": " NONE "}, False),
        ({"OTEL_LOGS_EXPORTER": "otlp"}, True),
        ({"OTEL_CONFIG_FILE": "otel.yaml"}, True),
    ],
)
def test_whether_anything_is_exported(environ: dict[str, str], expected: bool) -> None:
    assert exports_anything(environ) is expected


@pytest.mark.parametrize(("value", "expected"), [("true", True), (" TRUE", True), ("1", False), ("", False)])
def test_whether_opentelemetry_is_switched_off(value: str, expected: bool) -> None:
    assert is_disabled({"OTEL_SDK_DISABLED": value}) is expected


@pytest.mark.parametrize("exporter", [ConsoleSpanExporter, ConsoleMetricExporter, ConsoleLogRecordExporter])
def test_consoles_write_to_stderr_unless_they_are_given_a_stream(
    exporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "__init__", exporter.__init__)
    keep_consoles_off_stdout()
    keep_consoles_off_stdout()
    assert exporter().out is sys.stderr
    assert exporter(out=sys.stdout).out is sys.stdout


@pytest.mark.parametrize("exporter", [ConsoleSpanExporter, ConsoleMetricExporter, ConsoleLogRecordExporter])
def test_consoles_that_exist_are_taken_off_stdout(exporter: Any) -> None:
    theirs, elsewhere = exporter(out=sys.stdout), exporter(out=sys.__stdin__)
    take_consoles_off_stdout()
    assert theirs.out is sys.stderr
    assert elsewhere.out is sys.__stdin__


def test_service_is_named_by_the_script_unless_the_user_has_named_it() -> None:
    def name(kwargs: dict[str, Any], environ: dict[str, str]) -> str | None:
        return with_identity(kwargs, environ)["resource_attributes"].get("service.name")

    assert name({}, {}) == script_name()
    assert name({}, {"OTEL_SERVICE_NAME": "mine"}) is None  # the SDK reads that itself
    assert name({"resource_attributes": {"service.name": "given"}}, {}) == "given"
