"""Each operation has its line: what, how it ended, for how long; and nothing that was said in it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from mcp_opentelemetry.logs.line import Line
from mcp_opentelemetry.logs.reading import Reader
from mcp_opentelemetry.operations.call_log import CallLog
from mcp_opentelemetry.operations.capture import Capture
from mcp_opentelemetry.operations.message import Message
from mcp_opentelemetry.operations.outcome import SUCCESS, Outcome, cancelled, crash, protocol_error, tool_error
from tests.logs.lines import kept
from tests.telemetry import Telemetry

SECRET = "alice@example.com"
RESULT = {"content": [{"type": "text", "text": SECRET}]}


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001
        return caught


def log_of(
    outcome: Outcome = SUCCESS, *, capture: Capture | None = None, log: CallLog | None = None, **facts: Any
) -> list[Line]:
    telemetry = Telemetry(capture)
    telemetry.operations.log = log or CallLog()
    message = Message(
        **{"method": "tools/call", "raw_method": "tools/call", "target": "forecast", "name": "forecast"}
        | {"request_id": 1, "client": "test", "arguments": {"to": SECRET}}
        | facts
    )
    with kept(Reader(with_errors=capture is not None)) as handler:
        operation = telemetry.operations.begin(message)
        telemetry.operations.end(operation, outcome, RESULT)
    return [line for line in handler.lines if line is not None]


def test_start_and_success_are_logged_without_a_word_of_what_was_said() -> None:
    started, ended = log_of()
    assert (started.level, started.message) == (logging.DEBUG, "tools/call forecast started")
    assert ended.level == logging.INFO
    assert ended.message.startswith("tools/call forecast succeeded in ")
    assert ended.call["mcp.client.name"] == "test"
    duration = ended.fields.pop("duration")
    assert isinstance(duration, float)
    assert 0 <= duration < 60
    assert ended.fields == {"outcome": "success", "request.size": len(SECRET), "response.size": len(SECRET)}
    assert ended.trace is not None
    assert SECRET not in str(ended)


@pytest.mark.parametrize(
    ("outcome", "level", "fields"),
    [
        (tool_error(KeyError("x")), logging.ERROR, {"outcome": "KeyError", "exception.type": "KeyError"}),
        (tool_error(), logging.ERROR, {"outcome": "tool_error", "error.type": "tool_error"}),
        (crash(TimeoutError(), -32603), logging.ERROR, {"outcome": "timeout", "rpc.response.status_code": "-32603"}),
        (tool_error(fault="invalid_arguments"), logging.WARNING, {"outcome": "invalid_arguments"}),
        (tool_error(fault="unknown_tool"), logging.WARNING, {"outcome": "unknown_tool"}),
        (protocol_error(-32601, SECRET, fault="unknown_tool"), logging.WARNING, {"outcome": "-32601"}),
        (protocol_error(-32050, SECRET, fault="unknown_tool"), logging.ERROR, {"outcome": "-32050"}),
        (cancelled(), logging.WARNING, {"outcome": "cancelled"}),
    ],
)
def test_failures_say_whose_they_are_and_what_broke(outcome: Outcome, level: int, fields: dict[str, str]) -> None:
    _, ended = log_of(outcome)
    assert (ended.level, fields.items() <= ended.fields.items()) == (level, True)
    assert ended.message.startswith(f"tools/call forecast failed with {fields['outcome']} in ")
    assert SECRET not in str(ended)


def test_messages_and_stack_traces_only_where_errors_are_captured() -> None:
    error = raised(KeyError(SECRET))
    assert log_of(tool_error(error))[1].failure is None
    failure = log_of(tool_error(error), capture=Capture(errors=True))[1].failure
    assert failure is not None
    assert SECRET in str(failure.message)
    assert "raise error" in str(failure.stacktrace)


def test_arguments_and_results_only_where_content_is_captured() -> None:
    assert SECRET not in str(log_of(capture=Capture(errors=True)))
    fields = log_of(capture=Capture(errors=True, content=True))[1].fields
    assert fields["gen_ai.tool.call.arguments"] == f'{{"to": "{SECRET}"}}'
    assert SECRET in str(fields["gen_ai.tool.call.result"])


def test_nobody_waits_for_a_notification() -> None:
    notification = {"method": "notifications/initialized", "target": None, "is_request": False, "arguments": None}
    levels = [line.level for line in log_of(**notification)]
    assert levels == [logging.DEBUG, logging.DEBUG]


def test_what_is_sent_is_not_logged() -> None:
    assert log_of(is_sent=True) == []


def test_successes_can_be_quieter() -> None:
    assert log_of(log=CallLog(logging.DEBUG, 1.0))[1].level == logging.DEBUG


def test_a_share_of_the_successes_is_logged_and_every_failure() -> None:
    log = CallLog(logging.INFO, 0.25)
    tracer = TracerProvider().get_tracer("test")
    chosen = 0
    for _ in range(1000):
        with tracer.start_as_current_span("call"):
            chosen += log._is_chosen()
    assert 150 < chosen < 350
    assert len(log_of(tool_error(), log=CallLog(logging.INFO, 0.0))) == 2
    assert len(log_of(log=CallLog(logging.INFO, 0.0))) == 1


def test_a_trace_is_logged_as_a_whole_or_not_at_all() -> None:
    log = CallLog(logging.INFO, 0.5)
    tracer = TracerProvider().get_tracer("test")
    for _ in range(20):
        with tracer.start_as_current_span("one"):
            chosen = {log._is_chosen()}
            with tracer.start_as_current_span("two"):
                chosen.add(log._is_chosen())
        assert len(chosen) == 1


def test_a_handler_that_raises_does_not_keep_an_operation_from_ending() -> None:
    class Rude(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError

    from mcp_opentelemetry import guard

    rude, root = Rude(), logging.getLogger()
    before, guard.reraise = guard.reraise, False
    root.addHandler(rude)
    try:
        telemetry = Telemetry()
        operation = telemetry.operations.begin(Message("ping", "ping", request_id=1))
        telemetry.operations.end(operation, tool_error())
    finally:
        root.removeHandler(rude)
        guard.reraise = before
    assert [span.name for span in telemetry.spans()] == ["ping"]
