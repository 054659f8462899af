"""A real Prometheus on loopback, with rules of its own, that scrapes one server every second."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from typing_extensions import Self

from tests.integration.processes import free_port, get, is_listening, wait_until

PROMETHEUS: Final = Path(os.environ.get("PROMETHEUS") or Path.home() / ".cache/mcp-opentelemetry/prometheus")


class PrometheusServer:
    """A process; at the end of `with` it is gone.

    Args:
        folder: for its configuration and data.
        target: `host:port` of what it scrapes.
        rules: the path of a rule file.
        alertmanager: `host:port` of whom it tells, if anybody.
        honor_labels: whether `job` and `instance` are the target's to say.
    """

    def __init__(
        self, folder: Path, target: str, rules: Path, *, alertmanager: str | None = None, honor_labels: bool = False
    ) -> None:
        if not PROMETHEUS.exists():
            if os.environ.get("MCP_PROMETHEUS_REQUIRED"):
                pytest.fail(f"{PROMETHEUS} is missing")
            pytest.skip(f"{PROMETHEUS} is missing: tests/integration/build_prometheus.sh builds it")
        self._port = free_port()
        alertmanagers = [alertmanager] if alertmanager else []
        config = folder / "prometheus.yml"
        config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(rules)],
                    "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
                    "scrape_configs": [
                        {"job_name": "mcp", "honor_labels": honor_labels, "static_configs": [{"targets": [target]}]}
                    ],
                }
            )
        )
        self._process = subprocess.Popen(
            [
                str(PROMETHEUS),
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--log.level=error",
            ]
        )

    def __enter__(self) -> Self:
        wait_until(lambda: is_listening(self._port))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def ask(self, path: str) -> Any:
        """Return the data that an API path answers."""
        status, body = get(f"http://127.0.0.1:{self._port}/api/v1/{path}")
        assert status == 200, body
        return json.loads(body)["data"]

    def firing(self) -> set[tuple[tuple[str, str], ...]]:
        """Return the labels of the alerts that fire, without those that tell who was scraped."""
        alerts = self.ask("alerts")["alerts"]
        return {own_labels(alert["labels"]) for alert in alerts if alert["state"] == "firing"}


def own_labels(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return labels without `job` and `instance`."""
    return tuple(sorted((name, value) for name, value in labels.items() if name not in {"job", "instance"}))
