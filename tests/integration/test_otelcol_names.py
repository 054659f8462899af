"""What the collector shows of a server has the names, labels and buckets of the server's own `/metrics`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pytest

from tests.integration.collector import Collector, scrape
from tests.integration.collector_files import GATEWAY
from tests.integration.http_servers import HttpServer
from tests.integration.processes import wait_until

if TYPE_CHECKING:
    from pathlib import Path

Shape = tuple[str, frozenset[str], str]

_RULES: Final = """
groups:
  - name: always
    rules:
      - alert: Always
        expr: mcp_requests_total > 0
        labels: {severity: info}
"""
# Of the collector alone: who is scraped. `target_info` differs in that as well.
_WHO: Final = {"job", "instance"}


def shapes(url: str) -> set[Shape]:
    """Return each series' name, the names of its labels (an empty one is none), and its bucket."""
    return {
        (each.name, frozenset(name for name, value in each.labels.items() if value) - _WHO, each.labels.get("le", ""))
        for each in scrape(url)
        if each.name != "target_info" and not each.name.startswith("traces_span_metrics")
    }


def use(server: HttpServer) -> None:
    """Have a server show every metric that it has."""
    server.call("add", a=1, b=2)
    server.call("boom")
    server.call("nowhere")


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    rules = tmp_path / "rules.yaml"
    rules.write_text(_RULES)
    return {
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        "OTEL_SERVICE_NAME": "arithmetic",
        "OTEL_PYTHON_MCP_ALERT_RULES": str(rules),
        "OTEL_PYTHON_MCP_ALERT_INTERVAL": "1s",
    }


def settled_shapes(server: HttpServer, collector: Collector) -> tuple[set[Shape], set[Shape]]:
    """Return the server's shapes and the collector's once they are the same; if they never are, as they are then."""
    found: list[set[Shape]] = []

    def same() -> bool:
        found[:] = shapes(f"{server.url}/metrics"), shapes(f"http://{collector.prometheus}/metrics")
        return "mcp_alerts" in names(found[0]) and found[0] == found[1]

    with suppress(AssertionError):
        wait_until(same)
    return found[0], found[1]


def names(found: set[Shape]) -> set[str]:
    return {name for name, *_ in found}


def test_names_labels_and_buckets_are_those_of_the_server(tmp_path: Path, settings: dict[str, str]) -> None:
    with (
        # A series that the server has only at its start is soon gone there as well.
        Collector(tmp_path, GATEWAY, settings={"OTELCOL_METRIC_EXPIRATION": "5s"}) as collector,
        HttpServer("streamable-http", settings=collector.settings | settings) as server,
    ):
        use(server)
        ours, theirs = settled_shapes(server, collector)
        count = "mcp_server_operation_duration_seconds_count"
        assert {each.labels["job"] for each in collector.samples() if each.name == count} == {"arithmetic"}
    print(f"{len(names(ours))} names in {len(ours)} shapes: {', '.join(sorted(names(ours)))}")
    assert theirs - ours == set()
    assert ours - theirs == set()


def test_names_would_differ_without_the_transform(tmp_path: Path, settings: dict[str, str]) -> None:
    (tmp_path / "over.yaml").write_text("service: {pipelines: {metrics: {processors: [memory_limiter]}}}")
    with (
        Collector(tmp_path, GATEWAY, str(tmp_path / "over.yaml")) as collector,
        HttpServer("streamable-http", settings=collector.settings | settings) as server,
    ):
        use(server)
        wait_until(lambda: collector.sum_of("mcp_requests_total") == 3)
        theirs = names(shapes(f"http://{collector.prometheus}/metrics"))
        ours = names(shapes(f"{server.url}/metrics"))
    assert "system_memory_utilization_ratio" in theirs - ours
