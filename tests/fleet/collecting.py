"""A real collector between a server and Prometheus, with the least that makes one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.fleet.programs import OTELCOL, need
from tests.integration.processes import free_port, is_listening, wait_until

_CONFIG: Final = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{otlp}'}}}}}}}}
exporters: {{prometheus: {{endpoint: '127.0.0.1:{metrics}'}}}}
service:
  telemetry: {{metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {own}}}}}}}}}]}}}}
  pipelines: {{metrics: {{receivers: [otlp], exporters: [prometheus]}}}}
"""


@contextmanager
def collector(folder: Path) -> Iterator[dict[int, int]]:
    """Run a real collector; returns its ports by those that the shipped files name."""
    ports = {4318: free_port(), 9464: free_port(), 8888: free_port()}
    config = folder / "otelcol.yaml"
    config.write_text(_CONFIG.format(otlp=ports[4318], metrics=ports[9464], own=ports[8888]))
    with (folder / "otelcol.log").open("wb") as log:
        process = subprocess.Popen([need(OTELCOL), f"--config={config}"], stdout=log, stderr=log)
        try:
            wait_until(lambda: all(is_listening(port) for port in ports.values()))
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
