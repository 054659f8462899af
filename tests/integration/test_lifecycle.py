"""What probes are told while a server starts and while it ends."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.integration.holds import HELD, Holds, probe, status_of
from tests.integration.http_servers import HTTP_SERVERS, HttpServer
from tests.integration.processes import PATIENCE, PYTHON, Process, free_port, get, is_listening, report, wait_until
from tests.integration.stdio_servers import StdioServer

if TYPE_CHECKING:
    from collections.abc import Generator

_UVICORN = str(Path(PYTHON).with_name("uvicorn"))
_READY = (200, "ok")
_STARTING = (503, "starting")
_DRAINING = (503, "draining")
_DRAIN_SECONDS = 0.5
_FOR_EVER = {"OTEL_PYTHON_MCP_DRAIN_SECONDS": "600"}


@pytest.mark.parametrize(
    ("command", "held"),
    [
        ((HELD, "stdio"), "start"),
        ((HELD, "streamable-http", "{port}"), "start"),
        ((_UVICORN, "mounted:app", "--port", "{port}"), "start"),
        ((_UVICORN, "mounted:app", "--port", "{port}"), "warm up"),
    ],
    ids=["stdio", "streamable-http", "mounted, the server's start", "mounted, the app's start"],
)
def test_probe_during_a_long_start_is_told_so_on_our_own_port(
    command: tuple[str, ...], held: str, holds: Holds
) -> None:
    port = free_port()
    holds.hold(held)
    with Process(*(word.format(port=port) for word in command), settings=holds.settings) as server:
        own = server.announced_url()
        assert status_of(f"{own}/readyz") == _STARTING
        assert status_of(f"{own}/livez") == _READY
        assert get(f"{own}/readyz", "HEAD") == (503, "")
        assert not is_listening(port)
        holds.let_go(held)
        wait_until(lambda: status_of(f"{own}/readyz") == _READY)
        if "stdio" not in command:
            server.wait_for_port(port)
            assert status_of(f"http://127.0.0.1:{port}/readyz") == _READY


@pytest.mark.parametrize("kind", HTTP_SERVERS)
def test_server_without_a_client_is_ready_on_both_ports(kind: str, holds: Holds) -> None:
    with HttpServer(kind, settings=holds.settings) as server:
        for url in (server.url, server.announced_url()):
            assert status_of(f"{url}/readyz") == _READY
            assert status_of(f"{url}/livez") == _READY
            assert status_of(f"{url}/health") == (200, "healthy")


@contextmanager
def _waiting_call(server: HttpServer, holds: Holds) -> Generator[list[str]]:
    """Have a call in flight that ends when `wait` is let go; yields the list that its result is added to."""
    results: list[str] = []

    async def call() -> None:
        async with server.client() as client:
            await client.list_tools()  # else the client asks for them after the call
            result = await client.call_tool("wait")
            results.append(result.content[0].text)

    holds.hold("wait")
    thread = Thread(target=anyio.run, args=(call,))
    thread.start()
    try:
        wait_until(lambda: probe(f"{server.url}/dashboard")[1]["summary"]["in_flight"] == 1)
        yield results
    finally:
        holds.let_go("wait")
        thread.join(PATIENCE)


@pytest.mark.parametrize("kind", ["streamable-http", "sse"])
def test_own_port_says_draining_while_calls_end_after_sigterm(kind: str, holds: Holds) -> None:
    with HttpServer(kind, HELD, settings=holds.settings) as server:
        own = server.announced_url()
        with _waiting_call(server, holds) as results:
            os.kill(server.pid, signal.SIGTERM)
            start = monotonic()
            wait_until(lambda: status_of(f"{own}/readyz") == _DRAINING)
            report(f"{kind}: SIGTERM until /readyz is 503", monotonic() - start)
            wait_until(lambda: not is_listening(int(server.url.rpartition(":")[2])))
            assert status_of(f"{own}/readyz") == _DRAINING
            assert status_of(f"{own}/livez") == _READY
            assert status_of(f"{own}/health") == (200, "healthy")
            holds.let_go("wait")
        ended = server.wait()
    assert results == ["done"]
    assert ended.returncode == -signal.SIGTERM


@pytest.mark.parametrize("kind", ["streamable-http", "sse", "uvicorn mounted:app", "uvicorn mounted:app --workers 2"])
def test_drain_keeps_the_app_serving_while_its_probe_fails(kind: str, holds: Holds) -> None:
    with HttpServer(kind, HELD, settings=holds.settings | _FOR_EVER) as server:
        with _waiting_call(server, holds) as results:
            start = monotonic()
            os.kill(server.pid, signal.SIGTERM)
            wait_until(lambda: status_of(f"{server.url}/readyz") == _DRAINING)
            assert status_of(f"{server.url}/livez") == _READY
            assert not server.call("add", a=1, b=2).is_error
            # sse-starlette looks every half a second whether it should end its streams.
            wait_until(lambda: monotonic() > start + 1)
            assert not server.call("add", a=1, b=2).is_error
            assert status_of(f"{server.url}/readyz") == _DRAINING
        assert results == ["done"]
        # The second one is for people in a hurry; workers hear only of the first from their parent.
        again = monotonic()
        os.killpg(server.pid, signal.SIGTERM)
        ended = server.wait(again)
    report(f"{kind}: end after the second SIGTERM", ended.seconds)
    assert ended.returncode == (0 if "workers" in kind else -signal.SIGTERM)


@pytest.mark.parametrize("kind", ["streamable-http", "sse", "uvicorn mounted:app --workers 2"])
def test_drain_lasts_as_long_as_it_should_and_ends_quietly(kind: str, holds: Holds) -> None:
    settings = holds.settings | {"OTEL_PYTHON_MCP_DRAIN_SECONDS": str(_DRAIN_SECONDS)}
    with HttpServer(kind, HELD, settings=settings) as server:
        server.call("add", a=1, b=2)
        ended = server.send_signal(signal.SIGTERM)
    report(f"{kind}: end after SIGTERM with {_DRAIN_SECONDS} s to drain", ended.seconds)
    assert ended.seconds > _DRAIN_SECONDS
    assert ended.returncode == (0 if "workers" in kind else -signal.SIGTERM)
    assert "Traceback" not in ended.stderr
    with pytest.raises((OSError, HTTPException)):
        get(f"{server.url}/readyz")


def test_ctrl_c_does_not_drain(holds: Holds) -> None:
    settings = holds.settings | _FOR_EVER
    with HttpServer("streamable-http", settings=settings) as server:
        ended = server.send_signal(signal.SIGINT)
    with HttpServer("streamable-http", instrumented=False) as bare:
        ended_bare = bare.send_signal(signal.SIGINT)
    assert ended.returncode == ended_bare.returncode


def test_ctrl_c_ends_a_drain(holds: Holds) -> None:
    with HttpServer("streamable-http", settings=holds.settings | _FOR_EVER) as server:
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: status_of(f"{server.url}/readyz") == _DRAINING)
        ended = server.send_signal(signal.SIGINT)
    report("end after SIGTERM and SIGINT", ended.seconds)


def test_stdio_server_does_not_drain(holds: Holds) -> None:
    """Its client has closed it, and nobody sends it anything new."""
    with StdioServer(settings=holds.settings | _FOR_EVER) as server:
        server.call("add", a=1, b=2)
        ended = server.send_signal(signal.SIGTERM)
    assert ended.returncode == -signal.SIGTERM
