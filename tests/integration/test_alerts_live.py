"""The same rule file in process and in a real Prometheus that scrapes the process: the same alerts fire and resolve."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.integration.http_servers import HttpServer
from tests.integration.processes import get, report
from tests.integration.prometheus_server import PrometheusServer, own_labels

RULES = """
groups:
  - name: live
    interval: 1s
    rules:
      - record: tool:errors:increase30s
        expr: sum by (tool) (increase(mcp_errors_total[30s]))
      - alert: ManyErrors
        expr: tool:errors:increase30s > 5
        for: 3s
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.tool }} failed {{ $value | humanize }} times"}
      - alert: ErrorShare
        expr: |
          sum by (tool) (increase(mcp_errors_total[30s])) / sum by (tool) (increase(mcp_requests_total[30s])) > 0.4
      - alert: Quiet
        expr: sum(mcp_server_active_requests) == 0
        labels: {severity: info}
      - alert: Never
        expr: mcp_requests_total > 1e9
      - alert: NotOurs
        expr: node_load1 > 0
"""
_PATIENCE = 90.0  # seconds


def test_in_process_and_in_prometheus_the_same_alerts_fire_and_resolve(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    settings = {"OTEL_PYTHON_MCP_ALERT_RULES": str(rules), "OTEL_PYTHON_MCP_ALERT_DEFAULTS": "false"}
    with HttpServer("streamable-http", settings=settings) as server:
        target = server.url.removeprefix("http://")
        with PrometheusServer(tmp_path, target, rules) as prometheus:
            quiet = (("alertname", "Quiet"), ("severity", "info"))
            many = (("alertname", "ManyErrors"), ("severity", "critical"), ("tool", "boom"))
            share = (("alertname", "ErrorShare"), ("tool", "boom"))

            def ours() -> set[tuple[tuple[str, str], ...]]:
                alerts = json.loads(get(f"{server.url}/dashboard")[1])["alerts"]
                return {own_labels(alert["labels"]) for alert in alerts if alert["state"] == "firing"}

            def both_come_to(expected: set[tuple[tuple[str, str], ...]], what: str, *, calling: bool) -> None:
                start, came = time.monotonic(), {"ours": 0.0, "prometheus": 0.0}
                while not all(came.values()):
                    assert time.monotonic() - start < _PATIENCE, (what, ours(), prometheus.firing())
                    if calling:
                        server.call("boom")
                    for name, firing in (("ours", ours), ("prometheus", prometheus.firing)):
                        # Whether a request is under way at the moment of a look is chance.
                        if not came[name] and firing() - {quiet} == expected - {quiet}:
                            came[name] = time.monotonic() - start
                    time.sleep(0.1)
                for name, seconds in came.items():
                    report(f"{what}, {name}", seconds)

            server.call("add", a=1, b=2)
            both_come_to(set(), "nothing fires", calling=False)
            both_come_to({many, share}, "fires", calling=True)
            both_come_to(set(), "resolved", calling=False)
            assert quiet in ours()
            assert quiet in prometheus.firing()
            targets = prometheus.ask("targets")["activeTargets"]
            assert [each["health"] for each in targets] == ["up"]
            healths = {
                rule["name"]: rule["health"] for group in prometheus.ask("rules")["groups"] for rule in group["rules"]
            }
            assert set(healths.values()) == {"ok"}
