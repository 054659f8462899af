"""Exit never waits for a collector longer than it may: not for one that is gone, nor for one that hangs."""

from __future__ import annotations

import os
import signal
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from tests.integration.http_servers import FLEETS, HTTP_SERVERS, HttpServer
from tests.integration.otlp_receiver import RECEIVERS, Receiver
from tests.integration.processes import Ended, free_port, report, wait_until
from tests.integration.stdio_servers import StdioServer

if TYPE_CHECKING:
    from collections.abc import Mapping

# The contract allows half a second beyond the deadline; a busy machine gets more before a test fails. Who waited for
# the exporters would wait far longer.
_SLACK = 10.0
_BY_ITSELF = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60", "OTEL_PYTHON_MCP_EXIT_TIMEOUT": ""}
_STDIO_DEADLINE = 1.0
_HTTP_DEADLINE = 5.0
_SHORT = {"OTEL_PYTHON_MCP_EXIT_TIMEOUT": "0.3"}


def end_stdio(settings: Mapping[str, str]) -> Ended:
    with StdioServer(settings=_BY_ITSELF | settings) as server:
        server.call("add", a=1, b=2)
        return server.close_stdin()


def terminate(kind: str, settings: Mapping[str, str]) -> Ended:
    with HttpServer(kind, settings=_BY_ITSELF | settings) as server:
        server.call("add", a=1, b=2)
        return server.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def stdio_baseline() -> float:
    """Return how long a stdio server takes to end without exporters."""
    return end_stdio({}).seconds


@pytest.fixture(scope="module")
def http_baseline() -> float:
    """Return how long an HTTP server takes to end without exporters."""
    return terminate("streamable-http", {}).seconds


@pytest.fixture(params=sorted(RECEIVERS))
def dead_collector(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the settings that send everything to a port that nobody listens on."""
    return Receiver(request.param, hangs=False, endpoint=f"http://127.0.0.1:{free_port()}").settings


def assert_ended_within(deadline: float, ended: Ended, baseline: float, what: str) -> None:
    beyond = ended.seconds - baseline
    report(f"{what}: beyond the {baseline:.2f} s without exporters, with {deadline} s allowed", beyond)
    assert beyond < deadline + _SLACK


def test_stdio_server_leaves_a_dead_collector_behind(dead_collector: dict[str, str], stdio_baseline: float) -> None:
    ended = end_stdio(dead_collector)
    assert_ended_within(_STDIO_DEADLINE, ended, stdio_baseline, "stdio, dead collector")
    assert ended.returncode == 0


def test_stdio_server_leaves_a_hanging_collector_behind(hanging_receiver: Receiver, stdio_baseline: float) -> None:
    ended = end_stdio(hanging_receiver.settings)
    assert_ended_within(_STDIO_DEADLINE, ended, stdio_baseline, "stdio, hanging collector")
    assert ended.seconds > _STDIO_DEADLINE, "the time that is allowed is used"
    assert ended.returncode == 0
    assert hanging_receiver.requests


def test_exit_timeout_is_respected_on_stdio(dead_collector: dict[str, str], stdio_baseline: float) -> None:
    ended = end_stdio(dead_collector | _SHORT)
    assert_ended_within(0.3, ended, stdio_baseline, "stdio, dead collector, EXIT_TIMEOUT=0.3")


def test_exit_timeout_is_respected_with_a_hanging_collector(hanging_receiver: Receiver, stdio_baseline: float) -> None:
    ended = end_stdio(hanging_receiver.settings | _SHORT)
    assert_ended_within(0.3, ended, stdio_baseline, "stdio, hanging collector, EXIT_TIMEOUT=0.3")


def test_sigterm_on_stdio_waits_no_longer_than_the_close_of_stdin(
    hanging_receiver: Receiver, stdio_baseline: float
) -> None:
    with StdioServer(settings=_BY_ITSELF | hanging_receiver.settings) as server:
        server.call("add", a=1, b=2)
        ended = server.send_signal(signal.SIGTERM)
    assert_ended_within(_STDIO_DEADLINE, ended, stdio_baseline, "stdio, hanging collector, SIGTERM")
    assert ended.returncode == -signal.SIGTERM


@pytest.mark.parametrize("closes_stdin", [False, True])
def test_repeated_sigterm_does_not_extend_the_deadline(
    closes_stdin: bool, hanging_receiver: Receiver, stdio_baseline: float
) -> None:
    with StdioServer(settings=_BY_ITSELF | hanging_receiver.settings) as server:
        server.call("add", a=1, b=2)
        start = monotonic()
        if closes_stdin:
            server.stdin.close()
            wait_until(lambda: hanging_receiver.requests > 0)

        def has_ended_of_another() -> bool:
            os.kill(server.pid, signal.SIGTERM)
            return server.has_ended()

        wait_until(has_ended_of_another)
        ended = server.wait(start)
    assert_ended_within(_STDIO_DEADLINE, ended, stdio_baseline, f"stdio, many SIGTERM, {closes_stdin=}")
    assert ended.returncode == -signal.SIGTERM


@pytest.mark.parametrize("kind", HTTP_SERVERS)
def test_http_server_leaves_a_hanging_collector_behind_on_sigterm(
    kind: str, hanging_receiver: Receiver, http_baseline: float
) -> None:
    ended = terminate(kind, hanging_receiver.settings | _SHORT)
    assert_ended_within(0.3, ended, http_baseline, f"{kind}, hanging collector, SIGTERM, EXIT_TIMEOUT=0.3")
    assert ended.returncode == -signal.SIGTERM


@pytest.mark.parametrize("kind", FLEETS)
def test_workers_leave_a_hanging_collector_behind_on_sigterm(
    kind: str, hanging_receiver: Receiver, http_baseline: float
) -> None:
    ended = terminate(kind, hanging_receiver.settings | _SHORT)
    # The supervisor's own turn comes when its workers have ended.
    assert_ended_within(0.6, ended, http_baseline, f"{kind}, hanging collector, SIGTERM, EXIT_TIMEOUT=0.3")
    assert ended.returncode == 0


def test_http_server_leaves_a_dead_collector_behind_on_sigterm(
    dead_collector: dict[str, str], http_baseline: float
) -> None:
    ended = terminate("streamable-http", dead_collector)
    assert_ended_within(_HTTP_DEADLINE, ended, http_baseline, "streamable-http, dead collector, SIGTERM")
    assert ended.returncode == -signal.SIGTERM


def test_http_server_waits_for_its_deadline_by_default(hanging_receiver: Receiver, http_baseline: float) -> None:
    ended = terminate("streamable-http", hanging_receiver.settings)
    assert_ended_within(_HTTP_DEADLINE, ended, http_baseline, "streamable-http, hanging collector, SIGTERM")
    assert ended.seconds > _HTTP_DEADLINE, "the time that is allowed is used"
    assert ended.returncode == -signal.SIGTERM
