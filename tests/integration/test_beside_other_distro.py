"""With opentelemetry-distro installed beside us, our metrics are there whichever of the two has set the SDK up."""

from __future__ import annotations

import os
import signal
import subprocess
from importlib.metadata import distribution, version
from typing import TYPE_CHECKING

import pytest

from tests.integration.http_servers import HttpServer
from tests.integration.otlp_receiver import Receiver, grpc_receiver
from tests.integration.processes import PYTHON, get
from tests.integration.stdio_servers import CONSOLES, StdioServer, assert_only_protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_THEIRS_NAMED = {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator"}
_OURS_NAMED = {"OTEL_PYTHON_DISTRO": "mcp_opentelemetry"}
# Without a name, the first on the path wins.
_CASES = {
    "theirs, by name": ("ours first", _THEIRS_NAMED, "theirs"),
    "theirs, by chance": ("theirs first", {}, "theirs"),
    "ours, by name": ("theirs first", _OURS_NAMED, "ours"),
    "ours, by chance": ("ours first", {}, "ours"),
    "their distro, our configurator": ("ours first", {"OTEL_PYTHON_DISTRO": "distro"}, "ours"),
}


@pytest.fixture(scope="module")
def other_distro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install opentelemetry-distro into a directory of its own; returns the directory."""
    target = tmp_path_factory.mktemp("other_distro")
    requirement = f"opentelemetry-distro=={version('opentelemetry-instrumentation')}"
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), requirement]
    pip = subprocess.run(command, capture_output=True, text=True, check=False)
    if "(from versions: none)" in pip.stderr:
        pytest.skip(f"PyPI cannot be reached: {pip.stderr.strip().splitlines()[0]}")
    assert pip.returncode == 0, pip.stderr
    return target


@pytest.fixture
def collector() -> Iterator[Receiver]:
    """Run a stub that receives OTLP: the other distribution sends it by default."""
    with grpc_receiver() as receiver:
        yield receiver


def beside(other_distro: Path, collector: Receiver, case: str) -> dict[str, str]:
    order, settings, _ = _CASES[case]
    ours = str(distribution("mcp-opentelemetry").locate_file(""))
    path = [ours, str(other_distro)] if order == "ours first" else [str(other_distro), ours]
    return collector.settings | settings | {"PYTHONPATH": os.pathsep.join(path)}


def winner(metrics: str) -> str:
    """Return who has set the SDK up: only our configurator says so in the resource."""
    return "ours" if 'telemetry_distro_name="mcp-opentelemetry"' in metrics else "theirs"


@pytest.mark.parametrize("case", _CASES)
def test_http_server_has_our_metrics_and_exports(other_distro: Path, collector: Receiver, case: str) -> None:
    with HttpServer("streamable-http", settings=beside(other_distro, collector, case)) as server:
        assert not server.call("add", a=1, b=2).is_error
        _, metrics = get(f"{server.url}/metrics")
        server.send_signal(signal.SIGINT)
    assert winner(metrics) == _CASES[case][2]
    assert metrics.count('mcp_requests_total{status="success",tool="add"} 1.0') == 1
    assert collector.span_names().count("tools/call add") == 1
    assert collector.counted("mcp.requests", tool="add", status="success") == 1


@pytest.mark.parametrize("case", _CASES)
def test_stdio_server_has_our_port_and_exports(other_distro: Path, collector: Receiver, case: str) -> None:
    settings = beside(other_distro, collector, case) | {"OTEL_PYTHON_MCP_HTTP_PORT": "0"}
    with StdioServer(settings=settings) as server:
        assert server.call("add", a=1, b=2)["isError"] is False
        _, metrics = get(server.announced_url() + "/metrics")
        ended = server.close_stdin()
    assert winner(metrics) == _CASES[case][2]
    assert 'mcp_requests_total{status="success",tool="add"} 1.0' in metrics
    assert collector.span_names().count("tools/call add") == 1
    assert ended.returncode == 0


@pytest.mark.parametrize("end", ["stdin", "SIGTERM"])
def test_stdout_stays_the_protocols_with_their_console_exporters(
    other_distro: Path, collector: Receiver, end: str
) -> None:
    settings = beside(other_distro, collector, "theirs, by chance") | CONSOLES
    with StdioServer(settings=settings) as server:
        assert server.call("add", a=1, b=2)["isError"] is False
        ended = server.close_stdin() if end == "stdin" else server.send_signal(signal.SIGTERM)
    assert_only_protocol(ended.stdout, answers=2)
    assert '"name": "tools/call add"' in ended.stderr


def test_their_spans_are_delivered_on_sigterm_over_http(other_distro: Path, collector: Receiver) -> None:
    with HttpServer("streamable-http", settings=beside(other_distro, collector, "theirs, by chance")) as server:
        assert not server.call("add", a=1, b=2).is_error
        ended = server.send_signal(signal.SIGTERM)
    assert ended.returncode == -signal.SIGTERM
    assert collector.span_names().count("tools/call add") == 1


def test_their_exporters_do_not_hold_up_the_exit(other_distro: Path) -> None:
    with grpc_receiver(hangs=True) as receiver:
        deadlines = {"OTEL_PYTHON_MCP_EXIT_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
        settings = beside(other_distro, receiver, "theirs, by chance") | deadlines
        with HttpServer("streamable-http", settings=settings) as server:
            assert not server.call("add", a=1, b=2).is_error
            ended = server.send_signal(signal.SIGINT)
    assert ended.seconds < 20  # without a deadline of ours, a minute
