"""The whole way of an alert: servers, collector, Prometheus, Alertmanager, and whoever is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from mcp_opentelemetry import alerts
from tests.alerts.sink import Sink, listening
from tests.integration.alertmanager import RealAlertmanager, needs_alertmanager
from tests.integration.collector import Collector
from tests.integration.collector_files import GATEWAY
from tests.integration.http_servers import HttpServer
from tests.integration.processes import wait_until
from tests.integration.prometheus_server import PrometheusServer
from tests.integration.stdio_servers import StdioServer

if TYPE_CHECKING:
    from collections.abc import Iterator

_RULES: Final = """
groups:
  - name: fleet
    rules:
      - alert: ToolFails
        expr: sum by (job, tool) (increase(mcp_errors_total[20s])) > 2
        for: 1s
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.tool }} of {{ $labels.job }} fails"}
"""
_DEFAULT_RULES: Final = Path(alerts.__file__).with_name("default_rules.yaml")
_JOBS: Final = {"web", "desk"}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening() as sink:
        yield sink


@pytest.fixture
def alertmanager(tmp_path: Path, sink: Sink) -> Iterator[RealAlertmanager]:
    alertmanager = RealAlertmanager(tmp_path, sink.url())
    alertmanager.start()
    yield alertmanager
    alertmanager.stop()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Collector]:
    with Collector(tmp_path / "gateway", GATEWAY, settings={"OTELCOL_TRACES_EXPORTERS": "[nop]"}) as gateway:
        yield gateway


def last_told(sink: Sink) -> dict[str, str]:
    """Return, for each job of which somebody was told that its tool fails, what was said last."""
    return {
        alert["labels"]["job"]: alert["status"]
        for received in sink.received
        for alert in received.body["alerts"]
        if alert["labels"]["alertname"] == "ToolFails"
    }


@needs_alertmanager
def test_alert_of_servers_behind_a_collector_reaches_its_receiver_and_resolves(
    tmp_path: Path, sink: Sink, alertmanager: RealAlertmanager, gateway: Collector, agent: Collector
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "fleet.yaml").write_text(_RULES)
    shutil.copy(_DEFAULT_RULES, rules)
    often = {"OTEL_METRIC_EXPORT_INTERVAL": "500"}
    told_to = f"127.0.0.1:{alertmanager.port}"
    with (
        HttpServer("streamable-http", settings=agent.settings | often | {"OTEL_SERVICE_NAME": "web"}) as web,
        StdioServer(settings=agent.grpc_settings | often | {"OTEL_SERVICE_NAME": "desk"}) as desk,
        PrometheusServer(
            tmp_path, gateway.prometheus, rules / "*.yaml", alertmanager=told_to, honor_labels=True
        ) as prometheus,
    ):

        def call(tool: str) -> None:
            web.call(tool)
            desk.call(tool)

        def known_jobs() -> set[str]:
            return {each["metric"]["job"] for each in prometheus.ask("query?query=mcp_errors_total")["result"]}

        def is_told_while_it_fails() -> bool:
            call("boom")
            return last_told(sink) == dict.fromkeys(_JOBS, "firing")

        # Prometheus counts from what it has seen first.
        call("boom")
        wait_until(lambda: known_jobs() == _JOBS)
        assert last_told(sink) == {}
        wait_until(is_told_while_it_fails)
        wait_until(lambda: last_told(sink) == dict.fromkeys(_JOBS, "resolved"))
        groups = prometheus.ask("rules")["groups"]
        assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
