"""A real Alertmanager: start it, ask it, stop it, start it again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.processes import PATIENCE, free_port, get, is_listening
from tests.waiting import eventually

BINARY: Final = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

needs_alertmanager = pytest.mark.skipif(
    BINARY is None, reason="no Alertmanager here: apt-get install prometheus-alertmanager"
)

CONFIG: Final = """
route:
  receiver: sink
  group_by: ['...']
  group_wait: 50ms
  group_interval: 300ms
  repeat_interval: 1h
receivers:
  - name: sink
    webhook_configs:
      - url: {url}
        send_resolved: true
"""


class RealAlertmanager:
    """Alertmanager on a port of loopback that it keeps over restarts.

    Args:
        directory: for its configuration, its data and its log.
        webhook: the URL that it notifies, where no configuration is there yet.
        program: which Alertmanager.
    """

    def __init__(self, directory: Path, webhook: str = "", program: str | None = BINARY) -> None:
        self.port = free_port()
        self._program = program
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        if webhook:
            (directory / "alertmanager.yml").write_text(CONFIG.format(url=webhook))

    def start(self) -> None:
        """Return when it answers."""
        assert self._program is not None
        command = [
            self._program,
            f"--config.file={self._directory / 'alertmanager.yml'}",
            f"--storage.path={self._directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        with (self._directory / "alertmanager.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(lambda: is_listening(self.port))
        eventually(lambda: get(f"http://127.0.0.1:{self.port}/-/ready")[0] == 200)

    def stop(self) -> None:
        """Let it save what it knows, and end."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def answered(self) -> int:
        """Return how many of its notifications have been answered since it was started; what was not, it repeats."""
        text = get(f"http://127.0.0.1:{self.port}/metrics")[1]
        found = re.search(
            r'^alertmanager_notification_latency_seconds_count\{integration="webhook"\} (\d+)', text, re.MULTILINE
        )
        return int(found[1]) if found else 0

    def alerts(self) -> dict[str, Any]:
        """Return what it holds, by name."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/api/v2/alerts")
            return {alert["labels"]["alertname"]: alert for alert in json.load(connection.getresponse())}
        finally:
            connection.close()
