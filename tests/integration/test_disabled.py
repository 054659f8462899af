"""Switched off, or in a process that serves no MCP, we leave the process as it was."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.integration.http_servers import HTTP_SERVERS, HttpServer
from tests.integration.processes import Process, free_port, get, is_listening
from tests.integration.stdio_servers import StdioServer

_CONSOLES = {
    "OTEL_TRACES_EXPORTER": "console",
    "OTEL_METRICS_EXPORTER": "console",
    "OTEL_LOGS_EXPORTER": "console",
}


def switched_off(port: int, value: str = "true") -> dict[str, str]:
    """Return settings that ask for everything, and the one that overrules them."""
    return _CONSOLES | {"OTEL_SDK_DISABLED": value, "OTEL_PYTHON_MCP_HTTP_PORT": str(port)}


@pytest.mark.parametrize("value", ["true", "TRUE"])
def test_disabled_stdio_server_is_as_without_us(value: str) -> None:
    port = free_port()
    with StdioServer(settings=switched_off(port, value)) as server, StdioServer(instrumented=False) as bare:
        assert server.call("boom") == bare.call("boom")
        assert not is_listening(port)
        before, bare_before = server.stdout.lines[:], bare.stdout.lines[:]
        inside, bare_inside = server.footprint(), bare.footprint()
        ended, ended_bare = server.close_stdin(), bare.close_stdin()
    assert inside == bare_inside
    assert before == bare_before
    assert without_times(ended.stderr) == without_times(ended_bare.stderr)
    assert ended.returncode == ended_bare.returncode


def without_times(text: str) -> str:
    return re.sub(r"^\[\d\d/\d\d/\d\d \d\d:\d\d:\d\d\]| {19}", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("kind", HTTP_SERVERS)
def test_disabled_http_server_has_no_routes_and_no_port_of_ours(kind: str) -> None:
    port = free_port()
    with HttpServer(kind, settings=switched_off(port)) as server:
        assert not server.call("add", a=1, b=2).is_error
        statuses = {path: get(f"{server.url}/{path}")[0] for path in ("metrics", "health", "livez", "readyz")}
        assert not is_listening(port)
    assert statuses == dict.fromkeys(statuses, 404)


def test_the_same_server_has_them_when_it_is_not_disabled() -> None:
    """Shows that the test above would see them."""
    port = free_port()
    with HttpServer("streamable-http", settings=switched_off(port, "false")) as server:
        assert not server.call("add", a=1, b=2).is_error
        assert get(f"{server.url}/metrics")[0] == 200
        assert get(f"http://127.0.0.1:{port}/metrics")[0] == 200


def look_into_process_without_mcp(settings: dict[str, str], port: int) -> dict[str, Any]:
    with Process("no_mcp.py", settings=settings) as process:
        found = process.stdout.wait_for(json.loads)
        assert not is_listening(port)
        ended = process.close_stdin()
    assert ended.returncode == 0
    assert "mcp-opentelemetry" not in ended.stderr
    assert found["sockets"] == 0
    return found


def test_process_without_mcp_gets_no_thread_and_no_port() -> None:
    port = free_port()
    found = look_into_process_without_mcp({"OTEL_PYTHON_MCP_HTTP_PORT": str(port)}, port)
    assert found["threads"] == ["MainThread"]


def test_prometheus_exporter_opens_no_port_in_a_process_without_mcp() -> None:
    port = free_port()
    settings = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": str(port)}
    assert look_into_process_without_mcp(settings, port)["threads"] == ["MainThread"]


@pytest.mark.parametrize("package", ["mcp", "starlette", "uvicorn"])
def test_process_without_mcp_does_not_import_it_for_us(package: str) -> None:
    port = free_port()
    found = look_into_process_without_mcp({"OTEL_PYTHON_MCP_HTTP_PORT": str(port)}, port)
    assert not [name for name in found["modules"] if name.partition(".")[0] == package]


def test_process_without_mcp_reads_no_vitals() -> None:
    port = free_port()
    found = look_into_process_without_mcp({"OTEL_PYTHON_MCP_HTTP_PORT": str(port)}, port)
    # Not psutil, which the SDK's own resources import where it is installed.
    assert "mcp_opentelemetry.system.reading" not in found["modules"]


def test_disabled_process_without_mcp_gets_no_thread() -> None:
    port = free_port()
    assert look_into_process_without_mcp(switched_off(port), port)["threads"] == ["MainThread"]
