"""The configuration of Alertmanager: who is told what, when, and in which words; on an old release and a new one."""

from __future__ import annotations

import re
import signal
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.alerting import WATCHDOG_TOKEN, alerting, tell
from tests.fleet.programs import ALERTMANAGERS, AMTOOLS, FLEET, PROMETHEUSES, need, run
from tests.fleet.scraping import TOKEN, prometheus_folder
from tests.integration.http_servers import HttpServer
from tests.integration.processes import wait_until
from tests.integration.prometheus_server import RunningPrometheus

CONFIG = FLEET / "alertmanager" / "alertmanager.yml"
ROUTES = [
    ("critical", {"alertname": "McpServerDown", "severity": "critical", "job": "mcp"}),
    ("critical", {"alertname": "AnotherOne", "severity": "critical"}),
    ("warnings", {"alertname": "McpMemoryHigh", "severity": "warning", "job": "mcp"}),
    ("warnings", {"alertname": "WithoutSeverity"}),
    ("watchdog", {"alertname": "McpWatchdog", "severity": "none"}),
]


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


def alert(name: str, severity: str, **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": severity, "job": "mcp", **labels},
        "annotations": {"summary": f"{name} it is"},
        # Now: what began longer ago than `group_wait` is told at once, before those that it comes with are known.
        "startsAt": now(),
        "generatorURL": "http://prometheus.example/graph",
    }


@pytest.mark.parametrize("version", AMTOOLS)
def test_configuration_is_accepted(version: str) -> None:
    assert "1 templates" in run(AMTOOLS[version], "check-config", CONFIG)


@pytest.mark.parametrize("version", AMTOOLS)
@pytest.mark.parametrize(("receiver", "labels"), ROUTES, ids=lambda value: value if isinstance(value, str) else "")
def test_alert_is_routed(version: str, receiver: str, labels: dict[str, str]) -> None:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    said = run(AMTOOLS[version], "config", "routes", "test", f"--config.file={CONFIG}", *pairs)
    assert said.splitlines()[-1] == receiver or said.splitlines()[0] == receiver


def test_no_secret_is_in_the_configuration() -> None:
    urls = re.findall(r"^[^#]*?\b(?:api_)?url: (\S+)", CONFIG.read_text(), re.MULTILINE)
    assert urls == ["http://127.0.0.1:9095/watchdog"]
    assert not re.search(r"\b(password|credentials|auth_token|routing_key):", CONFIG.read_text())


@pytest.mark.parametrize("version", ALERTMANAGERS)
def test_who_is_told_what(version: str, tmp_path: Path) -> None:
    with alerting(tmp_path, version) as (alertmanager, channels):
        down = alert("McpServerDown", "critical", instance="a:1")
        others = [
            alert("McpErrorShareHigh", "critical", instance="a:1"),
            alert("McpMemoryHigh", "warning", instance="a:1"),
            alert("McpMemoryHigh", "warning", instance="b:1"),
            alert("McpMemoryHigh", "warning", instance="c:1"),
            alert("McpUnhealthy", "critical", instance="d:1"),
            alert("McpDiskFull", "warning", instance="d:1"),
            # Without an instance nothing is held back by what has none either.
            alert("McpNothingSeen", "critical"),
            alert("McpRulesFailing", "warning"),
            alert("McpServiceGone", "critical", job="gone"),
            alert("McpServerDown", "critical", job="gone", instance="e:1"),
        ]
        tell(alertmanager, [down, *others, {**alert("McpWatchdog", "none"), "labels": {"alertname": "McpWatchdog"}}])

        told = {"McpServerDown of mcp", "McpUnhealthy of mcp", "McpNothingSeen of mcp", "McpServiceGone of gone"}
        wait_until(lambda: {message["title"].partition(" ")[2] for message in channels.messages("critical")} >= told)
        wait_until(lambda: len(channels.messages("warnings")) >= 2)
        # The switch is told again and again, with its token, and nobody else is told of it.
        wait_until(lambda: len(channels.received("watchdog")) >= 3)
        assert channels.received("watchdog")[0].headers["Authorization"] == f"Bearer {WATCHDOG_TOKEN}"

        # One message for what is one story; nothing of what does not answer, or has a graver alert.
        (memory,) = [message for message in channels.messages("warnings") if "McpMemoryHigh" in message["title"]]
        assert memory["title"] == "WARNING McpMemoryHigh of mcp (2 firing, 0 resolved)"
        assert "b:1" in memory["text"]
        assert "c:1" in memory["text"]
        assert {message["title"].partition(" ")[2].partition(" (")[0] for message in channels.messages("warnings")} == {
            "McpMemoryHigh of mcp",
            "McpRulesFailing of mcp",
        }
        everything = channels.text("critical") + channels.text("warnings")
        for held_back in ("McpErrorShareHigh", "McpDiskFull", "e:1", "McpWatchdog"):
            assert held_back not in everything
        assert "McpMemoryHigh it is* on a:1" not in everything

        # What a message says, and where it leads.
        (message,) = [
            each for each in channels.messages("critical") if each["title"] == "CRITICAL McpServerDown of mcp"
        ]
        assert message["color"] == "danger"
        assert message["text"].startswith("*McpServerDown it is* on a:1\n")
        assert "<http://localhost:3000/d/mcp-server?var-job=mcp&var-instance=a%3A1|dashboard>" in message["text"]
        assert "<https://runbooks.example.com/mcp#mcpserverdown|runbook>" in message["text"]
        assert "<http://prometheus.example/graph|query>" in message["text"]

        # It answers again: what was held back is told now, and that it is over.
        tell(alertmanager, [{**down, "endsAt": now()}])
        wait_until(lambda: "RESOLVED McpServerDown of mcp" in channels.text("critical"))
        wait_until(lambda: "McpErrorShareHigh" in channels.text("critical"))
        (over,) = [each for each in channels.messages("critical") if each["title"] == "RESOLVED McpServerDown of mcp"]
        assert over["color"] == "good"
        assert over["text"].startswith("over: ")


def test_death_of_a_server_reaches_the_channel(tmp_path: Path) -> None:
    """The whole way with the shipped files: a real server, Prometheus, Alertmanager, a message."""
    settings = {"OTEL_PYTHON_MCP_HTTP_TOKEN": TOKEN}
    with alerting(tmp_path, "0.34") as (alertmanager, channels), HttpServer("sse", settings=settings) as server:
        target = server.url.removeprefix("http://")
        config = prometheus_folder(tmp_path, target, {9093: alertmanager.port})
        fleet = config.parent / "rules" / "mcp_fleet.yml"
        fleet.write_text(fleet.read_text().replace("for: 1m", "for: 1s"))
        with RunningPrometheus(tmp_path, config, need(PROMETHEUSES["3.14"])) as prometheus:
            wait_until(lambda: prometheus.query("mcp_build_info"))
            wait_until(lambda: channels.received("watchdog"))
            assert channels.text("critical") == ""
            server.send_signal(signal.SIGKILL)
            wait_until(lambda: f"mcp at {target} does not answer" in channels.text("critical"))
