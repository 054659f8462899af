"""Every line parses, is one line, is not too long, and says what it should where readers look for it."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.logs import formats
from mcp_opentelemetry.logs.line import Failure, Trace
from mcp_opentelemetry.logs.plain import Plainer
from mcp_opentelemetry.redaction import USUAL
from tests.logs.lines import line
from tests.logs.test_plain import ANYTHING

TRACE = Trace("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "01")
CALL: dict[str, Any] = {"mcp.method.name": "tools/call", "gen_ai.tool.name": "forecast", "jsonrpc.request.id": "7"}
ECS = formats.ecs(lambda: "weather")
JSON = {"otel": formats.otel, "ecs": ECS}
HOSTILE = st.text(st.characters(blacklist_categories=())) | st.sampled_from(
    ["\x00", "\r\n", "\x1b[2J", "\x85", "\u2028", "\u202e", "\ud800", "\x7f", "é" * 9000, '"\\' * 9000, "\x9b31m"]
)


def test_otel_has_the_fields_of_trace_context_in_other_formats() -> None:
    failure = Failure("KeyError", "'x'", "Traceback…")
    written = formats.otel(line(call=CALL, fields={"city": "Oslo"}, trace=TRACE, failure=failure, event="mcp.x"))
    assert json.loads(written) == {
        "timestamp": "2023-11-14T22:13:20.250000Z",
        "level": "INFO",
        "logger": "weather",
        "message": "hello",
        "trace_id": TRACE.trace_id,
        "span_id": TRACE.span_id,
        "trace_flags": "01",
        "event_name": "mcp.x",
        **CALL,
        "city": "Oslo",
        "exception.type": "KeyError",
        "exception.message": "'x'",
        "exception.stacktrace": "Traceback…",
    }


def test_ecs_has_elastics_names() -> None:
    written = ECS(line(call=CALL, trace=TRACE, failure=Failure("KeyError", "'x'", "Traceback…"), event="mcp.x"))
    assert json.loads(written) == {
        "@timestamp": "2023-11-14T22:13:20.250000Z",
        "log.level": "info",
        "message": "hello",
        "ecs.version": "8.11.0",
        "log.logger": "weather",
        "service.name": "weather",
        "trace.id": TRACE.trace_id,
        "span.id": TRACE.span_id,
        "event.action": "mcp.x",
        **CALL,
        "error.type": "KeyError",
        "error.message": "'x'",
        "error.stack_trace": "Traceback…",
    }


def test_a_field_cannot_pass_for_what_the_record_is() -> None:
    found = json.loads(formats.otel(line(fields={"level": "DEBUG", "message": "forged", "trace_id": "0"}, trace=TRACE)))
    assert (found["level"], found["message"], found["trace_id"]) == ("INFO", "hello", TRACE.trace_id)
    assert (found["extra.level"], found["extra.message"], found["extra.trace_id"]) == ("DEBUG", "forged", "0")


@pytest.mark.parametrize("name", JSON)
@given(message=HOSTILE, key=HOSTILE, value=ANYTHING | HOSTILE, stack=HOSTILE)
def test_every_line_parses_and_is_one_line(name: str, message: str, key: str, value: object, stack: str) -> None:
    plainer = Plainer(USUAL)
    hostile = line(
        plainer.text(message),
        fields=plainer.fields({key: value, "many": [value] * 5}),
        failure=Failure("KeyError", plainer.text(message), plainer.text(stack)),
    )
    written = JSON[name](hostile)
    assert len(written.splitlines()) == 1
    assert len(written.encode()) <= formats.LONGEST_LINE
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", written)
    assert isinstance(json.loads(written), dict)


@given(message=HOSTILE, value=HOSTILE)
def test_a_line_for_people_cannot_be_forged_nor_steer_a_terminal(message: str, value: str) -> None:
    written = formats.text(line(message, fields={"value": value}))
    assert len(written.splitlines()) == 1
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", written)
    written.encode()


def test_a_line_for_people_has_its_stack_trace_below_it() -> None:
    failure = Failure("KeyError", "'x'", "Traceback:\n  File x\nKeyError: 'x'")
    head, *below = formats.text(line(fields={"city": "New York"}, trace=TRACE, failure=failure)).splitlines()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.250 INFO     weather: hello city=\"New York\" exception.type=KeyError"
        rf" exception.message='x' trace_id={TRACE.trace_id}",
        head,
    )
    assert below == ["    | Traceback:", "    |   File x", "    | KeyError: 'x'"]


def test_colour_is_put_on_the_level_only() -> None:
    in_colour = partial(formats.text, in_colour=True)(line(level=40, level_name="ERROR"))
    assert "\x1b[31mERROR   \x1b[0m weather: hello" in in_colour


@pytest.mark.parametrize(
    "fields",
    [
        {"long": "x" * 8000, "longer": "y" * 8000},
        {f"key{number}": "x" * 100 for number in range(900)},
        {"nested": {f"key{number}": "\x01" * 100 for number in range(900)}},
        {"list": ["é" * 1000] * 900},
        {"\x01" * 8000: "\x01" * 8000},
    ],
)
def test_a_line_that_is_too_long_is_shortened_and_says_so(fields: dict[str, Any]) -> None:
    written = formats.otel(line("the message", fields=fields, trace=TRACE))
    assert len(written.encode()) <= formats.LONGEST_LINE
    found = json.loads(written)
    assert found["truncated"] is True
    assert (found["message"], found["level"], found["trace_id"]) == ("the message", "INFO", TRACE.trace_id)


def test_text_of_other_scripts_stays_readable() -> None:
    assert "東京" in formats.otel(line("東京"))
