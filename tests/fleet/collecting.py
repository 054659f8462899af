"""A real collector between a server and Prometheus: with the shipped configuration, or the least that makes one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.fleet.programs import OTELCOL, need
from tests.integration.processes import free_port, is_listening, wait_until

# It names what it exposes as OpenTelemetry does, and keeps the scopes.
_LEAST: Final = """
receivers: {otlp: {protocols: {http: {endpoint: "${env:OTELCOL_HTTP_ENDPOINT}"}}}}
exporters: {prometheus: {endpoint: "${env:OTELCOL_PROMETHEUS_ENDPOINT}"}}
service:
  telemetry:
    metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: "${env:OTELCOL_TELEMETRY_PORT}"}}}}]}
  pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}
"""


@contextmanager
def collector(folder: Path, config: Path | None = None) -> Iterator[dict[int, int]]:
    """Run a real collector; returns its ports by those that the shipped files name.

    Args:
        folder: for its log, its queue, and a configuration if none is given.
        config: one that takes its ports from the environment.
    """
    ports = {shipped: free_port() for shipped in (4317, 4318, 9464, 8888, 13133)}
    settings = {
        "OTELCOL_GRPC_ENDPOINT": f"127.0.0.1:{ports[4317]}",
        "OTELCOL_HTTP_ENDPOINT": f"127.0.0.1:{ports[4318]}",
        "OTELCOL_PROMETHEUS_ENDPOINT": f"127.0.0.1:{ports[9464]}",
        "OTELCOL_TELEMETRY_PORT": str(ports[8888]),
        "OTELCOL_HEALTH_ENDPOINT": f"127.0.0.1:{ports[13133]}",
        "OTELCOL_QUEUE_DIRECTORY": str(folder / "queue"),
    }
    if config is None:
        config = folder / "otelcol.yaml"
        config.write_text(_LEAST)
    with (folder / "otelcol.log").open("wb") as log:
        command = [need(OTELCOL), f"--config={need(config)}"]
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **settings})
        try:
            wait_until(lambda: all(is_listening(ports[shipped]) for shipped in (4318, 9464, 8888)))
            yield ports
        finally:
            process.terminate()
            process.wait(30)


def pushing_to(ports: Mapping[int, int]) -> dict[str, str]:
    """Return the settings of a server that pushes its metrics to that collector."""
    return {
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://127.0.0.1:{ports[4318]}/v1/metrics",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
    }
