"""A real OpenTelemetry Collector on loopback, with files of `collector-config`: stop it, kill it, start it again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from typing_extensions import Self

from tests.integration.collector_files import CONFIGS
from tests.integration.processes import PATIENCE, free_port, get, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.samples import Sample

OTELCOL: Final = Path(os.environ.get("OTELCOL") or Path.home() / ".cache/mcp-opentelemetry/otelcol")


def otelcol() -> str:
    """Return the program's path; skips the test where it is missing."""
    if not OTELCOL.exists():
        if os.environ.get("MCP_OTELCOL_REQUIRED"):
            pytest.fail(f"{OTELCOL} is missing")
        pytest.skip(f"{OTELCOL} is missing: tests/integration/build_otelcol.sh builds it")
    return str(OTELCOL)


class Collector:
    """A process that keeps its ports and its queue over restarts; at the end of `with` it is gone.

    Args:
        folder: for its queue and its log; made if it is not there.
        configs: files of `collector-config`, each over the one before; absolute paths of others.
        settings: environment variables, beside those of its ports and its queue.
    """

    def __init__(self, folder: Path, *configs: str, settings: Mapping[str, str] | None = None) -> None:
        self._command = [otelcol(), *(word for name in configs for word in ("--config", str(CONFIGS / name)))]
        grpc, http, prometheus, health, self._telemetry = (free_port() for _ in range(5))
        self.endpoint = f"http://127.0.0.1:{http}"
        self._grpc_endpoint = f"http://127.0.0.1:{grpc}"
        self.prometheus = f"127.0.0.1:{prometheus}"
        self._health = f"127.0.0.1:{health}"
        self._environment = {
            **os.environ,
            "OTELCOL_GRPC_ENDPOINT": f"127.0.0.1:{grpc}",
            "OTELCOL_HTTP_ENDPOINT": f"127.0.0.1:{http}",
            "OTELCOL_PROMETHEUS_ENDPOINT": self.prometheus,
            "OTELCOL_HEALTH_ENDPOINT": self._health,
            "OTELCOL_TELEMETRY_PORT": str(self._telemetry),
            "OTELCOL_QUEUE_DIRECTORY": str(folder / "queue"),
            **(settings or {}),
        }
        folder.mkdir(exist_ok=True)
        self._log = folder / "otelcol.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The variables that make a process send everything here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}

    @property
    def grpc_settings(self) -> dict[str, str]:
        """Likewise, over gRPC."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self._grpc_endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()

    def start(self) -> None:
        """Return when it takes what is sent."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment)
        wait_until(self._is_healthy)

    def stop(self) -> None:
        """Let it end as on SIGTERM."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._process = None

    def kill(self) -> None:
        """End it at once, as when the machine does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)
        self._process = None

    def samples(self) -> Iterator[Sample]:
        """Yield what Prometheus would scrape."""
        return scrape(f"http://{self.prometheus}/metrics")

    def sum_of(self, name: str, **labels: str) -> float:
        """Return the sum over all samples for Prometheus that have a name and these labels."""
        return sum(each.value for each in self.samples() if each.name == name and labels.items() <= each.labels.items())

    def own_sum(self, name: str) -> float:
        """Return the sum over all samples of what it counts about itself."""
        counted = scrape(f"http://127.0.0.1:{self._telemetry}/metrics")
        return sum(each.value for each in counted if each.name in {name, f"{name}_total"})

    def _is_healthy(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self._log.read_text()
        try:
            return get(f"http://{self._health}/")[0] == 200
        except ConnectionError:
            return False


def scrape(url: str) -> Iterator[Sample]:
    """Yield every sample of an exposition, asked for in OpenMetrics as Prometheus does."""
    status, body = get(url, accept="application/openmetrics-text; version=1.0.0")
    assert status == 200, body
    is_openmetrics = body.endswith("# EOF\n")
    families = openmetrics.text_string_to_metric_families if is_openmetrics else text_string_to_metric_families
    for family in families(body):
        yield from family.samples
