"""A tool that holds the event loop is seen from outside while it does."""

from __future__ import annotations

from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from tests.integration.holds import HELD, Holds, comes_to, probe, status_of
from tests.integration.http_servers import HttpServer
from tests.integration.processes import PATIENCE, get, report, wait_until
from tests.integration.stdio_servers import StdioServer

if TYPE_CHECKING:
    from collections.abc import Callable

_TURNING = (200, "ok")
_BLOCKED = (503, "blocked")
_LIMIT = {"OTEL_PYTHON_MCP_HEALTH_LOOP_LIMIT": "1"}
_LONG = 5.0  # seconds of a block that nobody would call short


def _start(function: Callable[[], object]) -> Thread:
    thread = Thread(target=function)
    thread.start()
    return thread


def test_blocked_loop_is_seen_from_outside_with_the_name_of_the_tool(holds: Holds) -> None:
    with HttpServer("streamable-http", HELD, settings=holds.settings | _LIMIT) as server:
        own = server.announced_url()
        wait_until(lambda: status_of(f"{own}/livez") == _TURNING)
        holds.hold("block")
        start = monotonic()
        call = _start(lambda: server.call("block"))
        wait_until(lambda: status_of(f"{own}/livez") == _BLOCKED)
        report("a block with a limit of 1 s is seen after", monotonic() - start)
        status, health = probe(f"{own}/health")
        check = health["checks"]["event_loop"]
        assert (status, check["status"]) == (503, "unhealthy")
        assert "tools/call block" in check["blocked_by"]
        assert "held.py:" in check["blocked_by"]
        assert check["blocked_for"] > 1
        assert status_of(f"{own}/readyz") == _TURNING
        wait_until(lambda: probe(f"{own}/health")[1]["checks"]["event_loop"]["blocked_for"] > _LONG)
        assert status_of(f"{own}/livez") == _BLOCKED
        on_the_app: list[tuple[int, str]] = []
        probe_of_the_app = _start(lambda: on_the_app.append(status_of(f"{server.url}/health")))
        holds.let_go("block")
        probe_of_the_app.join(PATIENCE)
        # Nothing on the app's port says that the loop is blocked: it is the loop that answers.
        assert on_the_app == [(200, "healthy")]
        assert status_of(f"{server.url}/livez") == _TURNING
        assert status_of(f"{server.url}/readyz") == _TURNING
        wait_until(lambda: status_of(f"{own}/livez") == _TURNING)
        assert probe(f"{own}/health")[1]["checks"]["event_loop"]["lag"] > _LONG
        call.join(PATIENCE)
        comes_to(f"{own}/health", 200, "healthy")
        assert not server.call("add", a=1, b=2).is_error


def test_blocked_loop_of_a_stdio_server_is_seen(holds: Holds) -> None:
    with StdioServer(HELD, settings=holds.settings | _LIMIT) as server:
        own = server.announced_url()
        holds.hold("block")
        call = _start(lambda: server.call("block"))
        wait_until(lambda: status_of(f"{own}/livez") == _BLOCKED)
        assert "tools/call block" in probe(f"{own}/health")[1]["checks"]["event_loop"]["blocked_by"]
        holds.let_go("block")
        call.join(PATIENCE)
        wait_until(lambda: status_of(f"{own}/livez") == _TURNING)


@pytest.mark.parametrize("kind", ["streamable-http", "sse"])
def test_call_that_waits_blocks_nothing(kind: str, holds: Holds) -> None:
    with HttpServer(kind, HELD, settings=holds.settings | _LIMIT) as server:
        own = server.announced_url()
        holds.hold("wait")
        call = _start(lambda: server.call("wait"))
        wait_until(lambda: "mcp_server_active_requests" in get(f"{own}/metrics")[1])
        start = monotonic()
        wait_until(lambda: status_of(f"{own}/livez") != _TURNING or monotonic() > start + 1.5)
        # A loop that is held would not turn again before it is let go.
        wait_until(lambda: status_of(f"{own}/livez") == _TURNING)
        holds.let_go("wait")
        call.join(PATIENCE)
