"""What a server process sends over OTLP: everything, however it ends, and nothing where nobody has asked for it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.integration.holds import HELD, Holds
from tests.integration.http_servers import HTTP_SERVERS, WORKERS, HttpServer
from tests.integration.otlp_receiver import Receiver, grpc_receiver
from tests.integration.processes import INSTRUMENT, PATIENCE, PYTHON, SERVERS, get, report, wait_until
from tests.integration.stdio_servers import StdioServer

if TYPE_CHECKING:
    from pathlib import Path

# Far beyond the life of the process: only what is flushed at its end arrives.
_NOTHING_IN_BETWEEN = {
    "OTEL_BSP_SCHEDULE_DELAY": "60000",
    "OTEL_METRIC_EXPORT_INTERVAL": "60000",
    "OTEL_BLRP_SCHEDULE_DELAY": "60000",
}


def assert_call_arrived(receiver: Receiver) -> None:
    assert "tools/call add" in receiver.span_names()
    assert receiver.counted("mcp.requests", tool="add", status="success") == 1
    assert "mcp.server.operation.duration" in {metric.name for metric in receiver.metrics}


def test_stdio_server_delivers_when_its_client_closes_stdin(receiver: Receiver) -> None:
    settings = receiver.settings | _NOTHING_IN_BETWEEN | {"OTEL_LOGS_EXPORTER": "otlp"}
    with StdioServer(settings=settings) as server:
        server.call("add", a=1, b=2)
        server.call("note", text="hello")
        assert not receiver.requests
        ended = server.close_stdin()
    assert_call_arrived(receiver)
    assert "hello" in receiver.logged()
    assert ended.returncode == 0


def test_stdio_server_of_the_real_client_delivers(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It kills a server after two seconds, in which a busy machine may not get to the end.
    monkeypatch.setattr("mcp.client.stdio.PROCESS_TERMINATION_TIMEOUT", PATIENCE)
    settings = receiver.settings | _NOTHING_IN_BETWEEN
    server = StdioServerParameters(
        command=INSTRUMENT, args=[PYTHON, "stdio_or_http.py", "stdio"], cwd=SERVERS, env=settings
    )

    async def call() -> None:
        with (tmp_path / "stderr").open("w") as stderr:
            async with Client(stdio_client(server, errlog=stderr)) as client:
                await client.call_tool("add", {"a": 1, "b": 2})

    anyio.run(call)
    assert_call_arrived(receiver)


@pytest.mark.parametrize("kind", HTTP_SERVERS)
def test_http_server_delivers_on_sigterm_and_dies_of_it(kind: str, receiver: Receiver) -> None:
    with HttpServer(kind, settings=receiver.settings | _NOTHING_IN_BETWEEN) as server:
        server.call("add", a=1, b=2)
        assert not receiver.requests
        ended = server.send_signal(signal.SIGTERM)
    assert_call_arrived(receiver)
    assert ended.returncode == -signal.SIGTERM


def test_workers_of_uvicorn_deliver_on_sigterm(receiver: Receiver) -> None:
    with HttpServer(WORKERS, settings=receiver.settings | _NOTHING_IN_BETWEEN) as server:
        server.call("add", a=1, b=2)
        ended = server.send_signal(signal.SIGTERM)
    assert_call_arrived(receiver)
    assert ended.returncode == 0, "as without us: the workers' parent takes care of the signal"


def test_stdio_server_delivers_on_sigterm_while_stdin_is_open(receiver: Receiver) -> None:
    with StdioServer(settings=receiver.settings | _NOTHING_IN_BETWEEN) as server:
        server.call("add", a=1, b=2)
        ended = server.send_signal(signal.SIGTERM)
    assert_call_arrived(receiver)
    assert ended.returncode == -signal.SIGTERM


def test_idle_stdio_server_delivers_when_another_thread_has_received_sigterm(receiver: Receiver) -> None:
    """As when the signal comes just before the event loop goes to sleep: nothing else would wake it."""
    with StdioServer(settings=receiver.settings | _NOTHING_IN_BETWEEN) as server:
        server.call("add", a=1, b=2)
        server.call("signal_a_thread")
        ended = server.wait()
    assert_call_arrived(receiver)
    assert ended.returncode == -signal.SIGTERM


@pytest.mark.parametrize("kind", HTTP_SERVERS)
def test_http_server_delivers_on_sigint_and_ends_as_without_us(kind: str, receiver: Receiver) -> None:
    with HttpServer(kind, settings=receiver.settings | _NOTHING_IN_BETWEEN) as server:
        server.call("add", a=1, b=2)
        ended = server.send_signal(signal.SIGINT)
    with HttpServer(kind, instrumented=False) as bare:
        bare.call("add", a=1, b=2)
        ended_bare = bare.send_signal(signal.SIGINT)
    assert_call_arrived(receiver)
    assert ended.returncode == ended_bare.returncode


def test_call_in_flight_at_sigterm_is_delivered(receiver: Receiver, holds: Holds) -> None:
    settings = holds.settings | receiver.settings | _NOTHING_IN_BETWEEN
    holds.hold("wait")
    with HttpServer("streamable-http", HELD, settings=settings) as server:

        def is_in_flight() -> bool:
            return 'mcp_server_active_requests{gen_ai_tool_name="wait"' in get(f"{server.url}/metrics")[1]

        async def terminate_during_call() -> None:
            async with Client(f"{server.url}/mcp") as client, anyio.create_task_group() as tasks:
                await client.list_tools()  # else the client asks for them after the call
                tasks.start_soon(client.call_tool, "wait")
                await anyio.to_thread.run_sync(wait_until, is_in_flight)
                os.kill(server.pid, signal.SIGTERM)
                holds.let_go("wait")

        anyio.run(terminate_during_call)
        ended = server.wait()
    assert "tools/call wait" in receiver.span_names()
    assert receiver.counted("mcp.requests", tool="wait", status="success") == 1
    assert ended.returncode == -signal.SIGTERM


def test_only_the_signal_whose_endpoint_is_set_is_sent(receiver: Receiver) -> None:
    path = "/v1/traces" if receiver.protocol == "http/protobuf" else ""
    settings = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": receiver.endpoint + path,
        "OTEL_EXPORTER_OTLP_PROTOCOL": receiver.protocol,
    }
    with StdioServer(settings=settings) as server:
        server.call("add", a=1, b=2)
        server.call("note", text="hello")
        server.close_stdin()
    assert "tools/call add" in receiver.span_names()
    assert not receiver.metrics
    assert not receiver.log_records


def test_named_exporters_go_before_the_endpoint() -> None:
    with grpc_receiver() as receiver:
        settings = receiver.settings | {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
        with StdioServer(settings=settings) as server:
            server.call("add", a=1, b=2)
            server.call("note", text="hello")
            server.close_stdin()
    assert receiver.counted("mcp.requests", tool="add", status="success") == 1
    assert not receiver.spans
    assert not receiver.log_records


def test_without_endpoint_and_exporter_nothing_is_sent_and_nothing_waits() -> None:
    with StdioServer(settings={"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}) as server, StdioServer(instrumented=False) as bare:
        inside, bare_inside = server.footprint(), bare.footprint()
        ended = server.close_stdin()
    assert inside["sockets"] == bare_inside["sockets"]
    # An exporter's thread would have a name of the SDK's.
    ours = set(inside["threads"]) - set(bare_inside["threads"])
    assert not {name for name in ours if not name.startswith("mcp-opentelemetry-")}
    report("exit without exporters", ended.seconds)
    assert ended.returncode == 0
    assert ended.seconds < 20, "an exporter would try for a minute"
