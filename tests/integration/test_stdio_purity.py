"""Standard output belongs to the protocol, through the last byte of a stdio server's life."""

from __future__ import annotations

import json
import re
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from tests.integration.processes import Ended, get
from tests.integration.stdio_servers import CONSOLES, StdioServer, assert_only_protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_WRONG = {
    "OTEL_PYTHON_MCP_CAPTURE": "everything",
    "OTEL_PYTHON_MCP_ENDPOINTS": "metrics,secrets",
    "OTEL_PYTHON_MCP_HTTP_PORT": "http",
    "OTEL_PYTHON_MCP_HTTP_ALLOW": "my-network",
    "OTEL_PYTHON_MCP_HTTP_TOKEN_FILE": "/nonexistent/token",
    "OTEL_PYTHON_MCP_EXIT_TIMEOUT": "soon",
}
_SETTINGS = {
    "no settings": {},
    "console exporters": CONSOLES,
    "own port": {"OTEL_PYTHON_MCP_HTTP_PORT": "0"},
    "wrong settings": _WRONG,
    "all at once": CONSOLES | _WRONG | {"OTEL_PYTHON_MCP_HTTP_PORT": "0"},
}
_ENDS: dict[str, Callable[[StdioServer], Ended]] = {
    "stdin closed": lambda server: server.close_stdin(),
    "SIGTERM": lambda server: server.send_signal(signal.SIGTERM),
}
_SERVERS = ("stdio_or_http.py", "lowlevel_stdio.py")


@pytest.mark.parametrize("end", _ENDS)
@pytest.mark.parametrize("settings", _SETTINGS)
@pytest.mark.parametrize("script", _SERVERS)
def test_stdout_carries_nothing_but_the_protocol(script: str, settings: str, end: str) -> None:
    with StdioServer(script, settings=_SETTINGS[settings]) as server:
        server.request("tools/list", {})
        server.call("add", a=1, b=2)
        server.request("tools/call", {"name": "no such tool", "arguments": {}})
        server.request("no/such/method", {})
        ended = _ENDS[end](server)
    assert_only_protocol(ended.stdout, answers=5)


@pytest.mark.parametrize("end", _ENDS)
@pytest.mark.parametrize("script", _SERVERS)
def test_stdout_stays_clean_while_exporters_write_during_the_session(script: str, end: str) -> None:
    often = {"OTEL_BSP_SCHEDULE_DELAY": "1", "OTEL_METRIC_EXPORT_INTERVAL": "1"}
    with StdioServer(script, settings=CONSOLES | often) as server:
        server.call("add", a=1, b=2)
        server.stderr.wait_for(re.compile(r'\s+"name": "mcp\.requests"').match)
        server.stderr.wait_for(re.compile(r'\s+"name": "tools/call').match)
        server.call("add", a=1, b=2)
        ended = _ENDS[end](server)
    assert_only_protocol(ended.stdout, answers=3)


@pytest.mark.parametrize("end", _ENDS)
@pytest.mark.parametrize("script", _SERVERS)
def test_console_exporters_write_to_stderr(script: str, end: str) -> None:
    with StdioServer(script, settings=CONSOLES) as server:
        server.request("tools/list", {})  # a low-level server knows its tools by it
        server.call("add", a=1, b=2)
        ended = _ENDS[end](server)
    assert '"name": "tools/call add"' in ended.stderr
    assert '"name": "mcp.requests"' in ended.stderr


def test_console_exporter_writes_log_records_to_stderr() -> None:
    with StdioServer(settings=CONSOLES) as server:
        server.call("note", text="hello")
        ended = server.close_stdin()
    assert '"body": "hello"' in ended.stderr


@pytest.mark.parametrize("script", _SERVERS)
def test_own_port_is_announced_on_stderr_and_answers(script: str) -> None:
    with StdioServer(script, settings={"OTEL_PYTHON_MCP_HTTP_PORT": "0"}) as server:
        server.request("tools/list", {})  # a low-level server knows its tools by it
        server.call("add", a=1, b=2)
        url = server.announced_url()
        answers = {path: get(f"{url}/{path}") for path in ("metrics", "health", "livez", "readyz", "mcp")}
        server.close_stdin()
    assert 'mcp_requests_total{status="success",tool="add"} 1.0' in answers["metrics"][1]
    assert json.loads(answers["health"][1])["status"] == "healthy"
    assert {path: status for path, (status, _) in answers.items()} == {
        "metrics": 200,
        "health": 200,
        "livez": 200,
        "readyz": 200,
        "mcp": 404,
    }


def test_each_wrong_setting_is_named_once_on_stderr() -> None:
    with StdioServer(settings=_WRONG) as server:
        assert server.call("add", a=1, b=2)["isError"] is False
        ended = server.close_stdin()
    assert {name: ended.stderr.count(f"{name}: ") for name in _WRONG} == dict.fromkeys(_WRONG, 1)


def test_port_that_is_taken_is_named_on_stderr_and_stops_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with StdioServer(settings={"OTEL_PYTHON_MCP_HTTP_PORT": port}) as server:
            assert server.call("add", a=1, b=2)["isError"] is False
            ended = server.close_stdin()
    assert port in ended.stderr
    assert "mcp-opentelemetry: http" not in ended.stderr
    assert_only_protocol(ended.stdout, answers=2)
