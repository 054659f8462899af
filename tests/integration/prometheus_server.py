"""A real Prometheus on loopback: with a configuration of its own, or one that scrapes one server every second."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from typing_extensions import Self

from tests.integration.processes import free_port, get, is_listening, wait_until

PROMETHEUS: Final = Path(os.environ.get("PROMETHEUS") or Path.home() / ".cache/mcp-opentelemetry/prometheus")
BUILD: Final = "tests/integration/build_prometheus.sh builds it"


class RunningPrometheus:
    """A process; at the end of `with` it is gone.

    Args:
        folder: for its data.
        config: the path of its configuration.
        program: which Prometheus.
    """

    def __init__(self, folder: Path, config: Path, program: Path = PROMETHEUS) -> None:
        if not program.exists():
            if os.environ.get("MCP_PROMETHEUS_REQUIRED"):
                pytest.fail(f"{program} is missing")
            pytest.skip(f"{program} is missing: {BUILD}")
        self.port = free_port()
        self._process = subprocess.Popen(
            [
                str(program),
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=error",
            ]
        )

    def __enter__(self) -> Self:
        wait_until(self._is_ready)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, "it does not take its configuration"
        return is_listening(self.port) and get(f"http://127.0.0.1:{self.port}/-/ready")[0] == 200

    def ask(self, path: str) -> Any:
        """Return the data that an API path answers."""
        status, body = get(f"http://127.0.0.1:{self.port}/api/v1/{path}")
        assert status == 200, body
        return json.loads(body)["data"]

    def query(self, expr: str) -> list[Any]:
        """Return the elements of what an expression comes to now."""
        return self.ask(f"query?query={quote(expr)}")["result"]

    def firing(self) -> set[tuple[tuple[str, str], ...]]:
        """Return the labels of the alerts that fire, without those that tell who was scraped."""
        alerts = self.ask("alerts")["alerts"]
        return {own_labels(alert["labels"]) for alert in alerts if alert["state"] == "firing"}


class PrometheusServer(RunningPrometheus):
    """A Prometheus with one target.

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
        super().__init__(folder, config)


def own_labels(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return labels without `job` and `instance`."""
    return tuple(sorted((name, value) for name, value in labels.items() if name not in {"job", "instance"}))
