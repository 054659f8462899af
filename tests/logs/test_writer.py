"""What is slow to write holds up nobody, and what is lost is counted."""

from __future__ import annotations

import os
import threading
from time import monotonic

import pytest

from mcp_opentelemetry.logs import writer as module
from mcp_opentelemetry.logs.line import Line
from mcp_opentelemetry.logs.writer import Writer
from tests.logs.lines import line
from tests.waiting import DEADLINE, eventually


class Sink:
    """Keeps lines, once it is let."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.may_write = threading.Event()
        self.may_write.set()

    def write(self, line: Line) -> None:
        self.may_write.wait(DEADLINE)
        self.lines.append(line)

    def messages(self) -> list[str]:
        return [line.message for line in self.lines]


def test_lines_are_written_in_order_by_a_thread() -> None:
    sink = Sink()
    writer = Writer("test", sink.write)
    for number in range(1000):
        writer.put(line(str(number)))
    writer.close(DEADLINE)
    assert sink.messages() == [str(number) for number in range(1000)]


def test_no_thread_before_the_first_line_and_none_after_the_end() -> None:
    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "mcp-opentelemetry-log-lonely"]

    writer = Writer("lonely", Sink().write)
    assert threads() == []
    writer.put(line())
    assert threads() != []
    writer.close(DEADLINE)
    eventually(lambda: threads() == [])


def test_a_sink_that_hangs_holds_up_neither_who_logs_nor_the_end() -> None:
    sink = Sink()
    sink.may_write.clear()
    writer = Writer("test", sink.write)
    writer.put(line("first"))
    start = monotonic()
    writer.flush(0.2)
    assert monotonic() - start < DEADLINE / 2
    sink.may_write.set()
    writer.close(DEADLINE)
    assert sink.messages() == ["first"]


def test_what_does_not_fit_into_the_queue_is_counted_and_said() -> None:
    sink = Sink()
    sink.may_write.clear()
    writer = Writer("test", sink.write)
    writer.put(line("taken"))
    eventually(writer._queue.empty)  # the thread has it
    for number in range(module._MOST + 7):
        writer.put(line(str(number)))
    sink.may_write.set()
    eventually(lambda: len(sink.lines) == module._MOST + 2)
    assert sink.messages()[-2:] == [
        str(module._MOST - 1),
        "7 log records were dropped: test could not keep up",
    ]
    writer.close(DEADLINE)


def test_a_sink_that_raises_is_asked_again(monkeypatch: object) -> None:
    written: list[str] = []

    def write(line: Line) -> None:
        if line.message == "bad":
            raise RuntimeError
        written.append(line.message)

    from mcp_opentelemetry import guard

    before, guard.reraise = guard.reraise, False
    try:
        writer = Writer("test", write)
        for message in ("bad", "good"):
            writer.put(line(message))
        writer.close(DEADLINE)
    finally:
        guard.reraise = before
    assert written == ["good"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # the test asks for it
def test_a_forked_child_writes_its_own_lines_only() -> None:
    read, write = os.pipe()
    gate = threading.Event()

    def slow(line: Line) -> None:
        if os.getpid() == parent:
            gate.wait(DEADLINE)
        os.write(write, f"{line.message}\n".encode())

    parent = os.getpid()
    writer = Writer("test", slow)
    writer.put(line("parent 1"))
    writer.put(line("parent 2"))
    if (child := os.fork()) == 0:
        writer.put(line("child"))
        writer.flush(DEADLINE)
        os._exit(0)
    os.waitpid(child, 0)
    gate.set()
    writer.close(DEADLINE)
    os.close(write)
    with os.fdopen(read) as lines:
        assert lines.read().splitlines() == ["child", "parent 1", "parent 2"]
