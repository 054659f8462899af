"""What a forked child finds: no lock that a thread of its parent's holds, and nothing that it could take from it."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sqlite3
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from threading import Event, Thread

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from mcp_opentelemetry.farewell import Farewell
from mcp_opentelemetry.forked_sdk import count_from_zero
from mcp_opentelemetry.http.server import HttpServer
from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.operations.message import Message, Transport
from tests.integration.processes import PATIENCE, free_port, is_listening
from tests.telemetry import Telemetry

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks")


def _in_child(act: Callable[[], object]) -> bool:
    """Do something in a forked child; returns whether it came to its end, in time and with something true."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(int(PATIENCE))  # one that waits for a lock waits for ever
        try:
            os._exit(0 if act() else 1)
        finally:
            os._exit(2)
    return os.waitpid(pid, 0)[1] == 0


def _tool_call(name: str = "add") -> Message:
    return Message(semconv.TOOLS_CALL, semconv.TOOLS_CALL, name, transport=Transport("pipe"))


def test_child_waits_for_no_lock_of_a_collection_that_was_under_way() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    meter = provider.get_meter("test")
    counter, begun, go_on = meter.create_counter("calls"), Event(), Event()

    def hold(_: object) -> list[object]:
        if not begun.is_set():
            begun.set()
            go_on.wait(PATIENCE)
        return []

    meter.create_observable_gauge("held", [hold])
    counter.add(100)
    collecting = Thread(target=reader.collect)
    collecting.start()
    assert begun.wait(PATIENCE)

    def count() -> bool:
        count_from_zero(provider)
        counter.add(7)
        data = reader.get_metrics_data()
        (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
        return [point.value for point in metric.data.data_points] == [7]

    assert _in_child(count)
    go_on.set()
    collecting.join()


def test_child_that_serves_nothing_dies_of_sigterm_as_without_us() -> None:
    farewell = Farewell([], lambda: 0)
    farewell.on_sigterm()
    try:
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert _in_child(lambda: signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        atexit.unregister(farewell)


def test_operation_that_has_begun_ends_in_the_parent_only(telemetry: Telemetry) -> None:
    operations = telemetry.operations
    operation = operations.begin(_tool_call())

    def end() -> bool:
        operations.end(operation)
        later = operations.begin(_tool_call())
        operations.end(later)
        return (
            len(telemetry.all_spans()) == 1 and telemetry.value("mcp_requests_total", tool="add", status="success") == 1
        )

    assert _in_child(end)
    operations.end(operation)
    assert len(telemetry.all_spans()) == 1


def test_child_that_outlives_its_parent_does_not_keep_the_port() -> None:
    server = HttpServer([], "127.0.0.1", free_port())
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writer)
        os.read(reader, 1)  # until the parent lets go
        os._exit(0)
    server.close()
    assert not is_listening(server.port)
    HttpServer([], "127.0.0.1", server.port).close()
    os.close(writer)
    os.waitpid(pid, 0)
    os.close(reader)


def test_child_does_not_take_the_journal_away(tmp_path: Path) -> None:
    """In a process of its own: it dies without closing the file, as if it were killed."""
    path = tmp_path / "alerts-0.db"
    script = f"""
        import gc, os, time
        from pathlib import Path
        from mcp_opentelemetry.alerts.alert import Alert
        from mcp_opentelemetry.alerts.journal_file import JournalFile
        from mcp_opentelemetry.alerts.outbox import Entry

        file = JournalFile(Path({str(path)!r}))
        def owe(number):
            file.write([Entry(number, "somebody", None, "alert", time.time())], [], None)
        owe(1)
        if (pid := os.fork()) == 0:
            del file
            gc.collect()
            os._exit(0)
        os.waitpid(pid, 0)
        owe(2)
        os._exit(0)
    """
    run([sys.executable, "-c", textwrap.dedent(script)], check=True)
    connection = sqlite3.connect(path)
    assert [number for (number,) in connection.execute("SELECT number FROM deliveries ORDER BY number")] == [1, 2]
    connection.close()
    gc.collect()
