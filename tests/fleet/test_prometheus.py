"""The configuration of Prometheus: it scrapes real servers, whichever way their numbers come, under the same names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.collecting import collector, pushing_to
from tests.fleet.kubernetes_api import pods_of
from tests.fleet.programs import FLEET, PROMETHEUSES, PROMTOOLS, need, run
from tests.fleet.scraping import TOKEN, prometheus_folder
from tests.integration.http_servers import HttpServer
from tests.integration.processes import wait_until
from tests.integration.prometheus_server import RunningPrometheus

SERVER = {"OTEL_PYTHON_MCP_HTTP_TOKEN": TOKEN, "OTEL_SERVICE_NAME": "arithmetic"}


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer("streamable-http", settings=SERVER) as server:
        yield server


def address(server: HttpServer) -> str:
    return server.url.removeprefix("http://")


def states(prometheus: RunningPrometheus) -> dict[str, set[str]]:
    """Return how the targets of each job are."""
    found: dict[str, set[str]] = {}
    for target in prometheus.ask("targets")["activeTargets"]:
        found.setdefault(target["scrapePool"], set()).add(target["health"])
    return found


def alert_states(prometheus: RunningPrometheus, name: str) -> list[tuple[str, str]]:
    alerts = prometheus.ask("alerts")["alerts"]
    return [
        (alert["labels"].get("job", ""), alert["state"]) for alert in alerts if alert["labels"]["alertname"] == name
    ]


def measured(prometheus: RunningPrometheus, job: str) -> set[str]:
    """Return the names of a job's metrics, without those of Prometheus itself and of rules."""
    names = {each["metric"]["__name__"] for each in prometheus.query(f'{{job="{job}"}}')}
    return {name for name in names if not re.match(r"up$|scrape_|ALERTS|mcp:|mcp_\w+_(all|avg)$", name)}


@pytest.mark.parametrize("version", PROMTOOLS)
def test_configuration_is_accepted(version: str, tmp_path: Path) -> None:
    config = prometheus_folder(tmp_path, "127.0.0.1:8000")
    assert "SUCCESS: 4 rule files found" in run(PROMTOOLS[version], "check", "config", config)


def test_no_configuration_holds_a_secret_or_a_path_of_its_own_machine() -> None:
    for file in (FLEET / "prometheus").glob("*.yml"):
        text = file.read_text()
        assert not re.search(r"(?m)^\s*(password|credentials|bearer_token):", text), file
        assert not re.search(r"(?m)^[^#]*[\s\[](/etc|/home|/work|/var)", text), file


@pytest.mark.parametrize("version", PROMETHEUSES)
def test_server_is_scraped_with_the_token_and_missed_without(version: str, tmp_path: Path, server: HttpServer) -> None:
    server.call("add", a=1, b=2)
    server.call("boom")
    config = prometheus_folder(tmp_path, address(server))
    with RunningPrometheus(tmp_path, config, need(PROMETHEUSES[version])) as prometheus:
        wait_until(lambda: prometheus.query('mcp_requests_total_all{job="mcp",telemetry="mcp"}'))
        wait_until(lambda: prometheus.query('mcp_errors_total_all{job="mcp"}'))
        wait_until(lambda: states(prometheus)["mcp"] == {"up"})
        wait_until(lambda: ("", "firing") in alert_states(prometheus, "McpWatchdog"))
        assert alert_states(prometheus, "McpServerDown") == []

        (config.parent / "secrets" / "mcp_token").write_text("another")
        wait_until(lambda: states(prometheus)["mcp"] == {"down"})
        wait_until(lambda: alert_states(prometheus, "McpServerDown") == [("mcp", "pending")])
        healths = {
            rule["name"]: rule["health"] for group in prometheus.ask("rules")["groups"] for rule in group["rules"]
        }
        assert set(healths.values()) <= {"ok", "unknown"}, healths


def test_targets_are_read_again_when_they_change(tmp_path: Path, server: HttpServer) -> None:
    config = prometheus_folder(tmp_path, address(server))
    with RunningPrometheus(tmp_path, config, need(PROMETHEUSES["3.14"])) as prometheus:
        wait_until(lambda: states(prometheus).get("mcp") == {"up"})
        with HttpServer("sse", settings=SERVER) as second:
            (config.parent / "targets" / "more.yml").write_text(f"- targets: ['{address(second)}']\n")
            wait_until(lambda: len(prometheus.query('up{job="mcp"} == 1')) == 2)


@pytest.mark.parametrize("config", [None, FLEET / "otelcol.yaml"], ids=["another collector", "ours"])
def test_what_is_pushed_has_the_names_of_what_is_scraped(config: Path | None, tmp_path: Path) -> None:
    """Over the real collector: every metric of `/metrics`, under its name, with the labels that tell servers apart."""
    with (
        collector(tmp_path, config) as ports,
        HttpServer("streamable-http", settings={**SERVER, **pushing_to(ports)}) as server,
    ):
        server.call("add", a=1, b=2)
        server.call("boom")
        scraping = prometheus_folder(tmp_path, address(server), ports)
        with RunningPrometheus(tmp_path, scraping, need(PROMETHEUSES["3.14"])) as prometheus:
            wait_until(lambda: measured(prometheus, "mcp") >= {"mcp_errors_total", "mcp_build_info"})
            wait_until(lambda: measured(prometheus, "arithmetic") == measured(prometheus, "mcp"))
            for job in ("mcp-collector", "otelcol"):
                wait_until(lambda job=job: states(prometheus)[job] == {"up"})
            builds = [each["metric"] for each in prometheus.query('mcp_build_info{job="arithmetic"}')]
            assert len({build["instance"] for build in builds}) == 1
            assert not [label for build in builds for label in build if label.startswith("otel_scope")]
            # The rules find them: both ways of the same process come to the same sums.
            wait_until(lambda: len(sums(prometheus, "mcp_requests_total_all")) == 2)
            assert set(sums(prometheus, "mcp_requests_total_all")) == {"2"}


def sums(prometheus: RunningPrometheus, name: str) -> list[str]:
    return [each["value"][1] for each in prometheus.query(f'{name}{{job=~"mcp|arithmetic"}}')]


def test_pods_are_found_by_their_port(tmp_path: Path, server: HttpServer) -> None:
    """Against a stub of the Kubernetes API whose pods are a real server of ours, and what is none."""
    prometheus_folder(tmp_path, address(server))
    config = tmp_path / "prometheus" / "kubernetes.yml"
    host, port = address(server).split(":")

    def pod(name: str, port_name: str, phase: str = "Running", **labels: str) -> dict[str, Any]:
        return {
            "metadata": {"name": name, "namespace": "tools", "uid": name, "labels": labels},
            "spec": {"containers": [{"name": "app", "ports": [{"name": port_name, "containerPort": int(port)}]}]},
            "status": {"phase": phase, "podIP": host, "hostIP": host},
        }

    pods = [
        pod("weather-1", "telemetry", **{"app.kubernetes.io/name": "weather"}),
        pod("nameless-1", "telemetry"),
        pod("weather-0", "telemetry", "Succeeded", **{"app.kubernetes.io/name": "weather"}),
        pod("other", "http", **{"app.kubernetes.io/name": "weather"}),
    ]
    with pods_of(pods) as api:
        text = config.read_text().replace("      - role: pod\n", f"      - role: pod\n        api_server: {api}\n")
        config.write_text(f"global: {{scrape_interval: 1s}}\n{text}")
        with RunningPrometheus(tmp_path, config, need(PROMETHEUSES["3.14"])) as prometheus:
            wait_until(lambda: len(prometheus.query("up == 1")) == 2)
            labels = [each["metric"] for each in prometheus.query("up")]
    assert {(each["job"], each["instance"], each["namespace"], each["telemetry"]) for each in labels} == {
        ("weather", "tools/weather-1", "tools", "mcp"),
        ("app", "tools/nameless-1", "tools", "mcp"),
    }


def test_kubernetes_discovery_can_be_switched_on_in_the_main_file(tmp_path: Path) -> None:
    config = prometheus_folder(tmp_path, "127.0.0.1:8000")
    config.write_text(config.read_text().replace("# scrape_config_files", "scrape_config_files"))
    assert "SUCCESS" in run(PROMTOOLS["3.14"], "check", "config", config)
