"""The command in front of a server of every SDK, over HTTP and on stdio; and what surrounds a call."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.integration.processes import PATIENCE, free_port, wait_until
from tests.matrix.test_matrix import PYTHONS, environ, run

HANDSHAKE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}}


def start(name: str, *arguments: str, module: str = "tests.matrix.server", **settings: str) -> subprocess.Popen[str]:
    command = Path(PYTHONS[name]).with_name("opentelemetry-instrument")
    return subprocess.Popen(
        [command, PYTHONS[name], "-m", module, *arguments],
        env={**environ(), "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging,mcp", **settings},
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _read(url: str) -> str:
    """Read a URL as soon as somebody listens there."""
    found: list[str] = []

    def is_read() -> bool:
        with suppress(OSError):
            found.append(urlopen(url, timeout=PATIENCE).read().decode())
        return bool(found)

    wait_until(is_read)
    return found[0]


@pytest.mark.parametrize("name", PYTHONS)
def test_endpoints_are_on_the_app_of_every_sdk(name: str) -> None:
    port = free_port()
    process = start(name, "http", str(port))
    try:
        metrics = _read(f"http://127.0.0.1:{port}/metrics")
        health = json.loads(_read(f"http://127.0.0.1:{port}/health"))
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert "mcp_build_info{" in metrics
    assert (health["status"], health["service"]) == ("healthy", "matrix")


@pytest.mark.parametrize("name", PYTHONS)
def test_stdio_server_of_every_sdk_is_measured_and_its_stdout_stays_pure(name: str) -> None:
    settings = {"OTEL_PYTHON_MCP_HTTP_PORT": "0", "OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console"}
    process = start(name, "stdio", **settings)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None

    def ask(method: str, params: dict[str, Any], request_id: int | None = None) -> str:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if request_id is not None:
            message["id"] = request_id
        process.stdin.write(json.dumps(message) + "\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        return process.stdout.readline() if request_id is not None else ""  # type: ignore[union-attr]

    try:
        lines = [ask("initialize", HANDSHAKE, 1)]
        ask("notifications/initialized", {})
        lines.append(ask("tools/call", {"name": "add", "arguments": {"a": 1, "b": 2}}, 2))
        announced = ""
        while "/metrics" not in announced:
            announced = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/metrics", announced)
        assert found is not None
        metrics = _read(found[0])
        out, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    for line in [*lines, *out.splitlines()]:
        assert json.loads(line)["jsonrpc"] == "2.0"
    assert 'mcp_requests_total{status="success",tool="add"} 1.0' in metrics
    assert 'network_transport="pipe"' in metrics
    assert "tools/call add" in errors


@pytest.mark.parametrize("name", PYTHONS)
def test_call_hangs_below_its_own_http_request_and_a_mount_is_one_span(name: str) -> None:
    result = run(name, "tests.matrix.surroundings")
    assert result["ambient"] == {"each_below_its_own_request": True, "parent_was_open": True}
    if name.startswith("fastmcp"):
        assert sorted(result["mounted"]) == ["CLIENT tools/call child_add", "SERVER tools/call child_add"]
