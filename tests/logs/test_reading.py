"""A record is read once: with the context of its call, without what may not be recorded, whoever logged it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import loguru
import mcp
import pytest
import structlog
from mcp.server import lowlevel

from mcp_opentelemetry.logs.reading import Reader
from mcp_opentelemetry.operations.message import Message
from mcp_opentelemetry.redaction import REDACTED, Secrets
from tests.logs.lines import kept
from tests.telemetry import Telemetry

SECRET = "alice@example.com"
CALL = Message("tools/call", "tools/call", "forecast", "forecast", request_id=7, client="test")


def log_in_call(message: Message = CALL) -> Any:
    telemetry = Telemetry()
    with kept() as handler:
        operation = telemetry.operations.begin(message)
        logging.getLogger("weather").info("inside", extra={"city": "Oslo"})
        telemetry.operations.end(operation)
    line = next(line for line in handler.lines if line is not None and line.message == "inside")
    return line, operation.span.get_span_context()


def test_a_record_inside_a_call_says_which() -> None:
    line, span = log_in_call()
    assert line.call == {
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": "forecast",
        "jsonrpc.request.id": "7",
        "mcp.client.name": "test",
    }
    assert line.fields == {"city": "Oslo"}
    assert line.trace == (f"{span.trace_id:032x}", f"{span.span_id:016x}", f"{span.trace_flags:02x}")


def test_what_a_client_says_is_not_endless() -> None:
    hostile = Message("tools/call", "tools/call", "_OTHER", "n" * 9999, request_id="i" * 9999, client="c" * 9999)
    line, _ = log_in_call(hostile)
    assert {len(value) for value in line.call.values()} == {10, 256}


def test_an_unknown_tool_is_named_as_it_was_asked_for() -> None:
    line, _ = log_in_call(Message("tools/call", "tools/call", "_OTHER", "forcast"))
    assert line.call["gen_ai.tool.name"] == "forcast"


def test_a_record_outside_a_call_has_neither_call_nor_trace() -> None:
    with kept() as handler:
        logging.getLogger("weather").warning("outside")
    assert (handler.line().call, handler.line().trace) == ({}, None)


def test_a_request_that_is_sent_is_not_the_call() -> None:
    line, _ = log_in_call(Message("tools/call", "tools/call", "forecast", is_sent=True))
    assert line.call == {}


def test_arguments_that_do_not_fit_are_no_error() -> None:
    record = logging.LogRecord("weather", logging.INFO, __file__, 1, "%d of %s", ("three",), None)
    line = Reader().read(record)
    assert line is not None
    assert line.message == "%d of %s (its arguments do not fit: TypeError)"


@pytest.mark.parametrize("key", ["password", "x-api-key", "Authorization"])
def test_secret_keys_are_redacted_in_fields_and_in_text(key: str) -> None:
    with kept() as handler:
        logging.getLogger("weather").info("sent %s=hunter2", key, extra={"headers": {key: "hunter2"}})
    assert handler.line().fields == {"headers": {key: REDACTED}}
    assert "hunter2" not in handler.line().message


def test_secrets_in_exceptions_are_redacted() -> None:
    with kept() as handler:
        try:
            raise ValueError("postgres://alice:hunter2@db refused; token=hunter2")
        except ValueError:
            logging.getLogger("weather").exception("failed")
    failure = handler.line().failure
    assert failure is not None
    assert "refused" in str(failure.message)
    assert "hunter2" not in str(failure.message)


def test_the_users_hook_sees_and_changes_everything() -> None:
    seen: list[dict[str, Any]] = []

    def redact(fields: dict[str, Any]) -> dict[str, Any]:
        seen.append({**fields})
        return {**fields, "message": fields["message"].replace(SECRET, "[mail]"), "city": "[city]"}

    with kept(Reader(redact=redact)) as handler:
        logging.getLogger("weather").info("to %s", SECRET, extra={"city": "Oslo"})
    assert seen == [{"city": "Oslo", "message": f"to {SECRET}", "logger": "weather", "level": "INFO"}]
    assert (handler.line().message, handler.line().fields) == ("to [mail]", {"city": "[city]"})


def test_the_users_hook_can_drop_a_record() -> None:
    with kept(Reader(redact=lambda _: None)) as handler:
        logging.getLogger("weather").info("unheard")
    assert handler.lines == [None]


@pytest.mark.parametrize("hook", [lambda _: 1 / 0, lambda _: 7])
def test_a_hook_that_fails_lets_nothing_out(hook: Callable[[Any], Any]) -> None:
    with kept(Reader(redact=hook)) as handler:
        logging.getLogger("weather").info(SECRET, extra={"city": SECRET})
    line = handler.line()
    assert (line.logger, line.fields) == ("weather", {})
    assert line.message.startswith("withheld: the redaction hook has raised")


def test_the_users_hook_sees_exceptions_and_takes_them_out() -> None:
    def redact(fields: dict[str, Any]) -> dict[str, Any]:
        del fields["exception.stacktrace"]
        return {**fields, "exception.message": fields["exception.message"].replace(SECRET, "[mail]")}

    with kept(Reader(redact=redact)) as handler:
        log_failure()
    failure = handler.line().failure
    assert failure is not None
    assert (failure.kind, failure.message, failure.stacktrace) == ("ValueError", "to [mail]", None)


def test_a_hook_that_fails_lets_no_exception_out() -> None:
    with kept(Reader(redact=lambda _: 1 / 0)) as handler:  # type: ignore[arg-type, return-value]
        log_failure()
    assert SECRET not in str(handler.line())
    failure = handler.line().failure
    assert failure is not None
    assert failure.kind == "ValueError"


def log_failure() -> None:
    try:
        raise ValueError(f"to {SECRET}")
    except ValueError:
        logging.getLogger("weather").exception("failed")


def test_secrets_are_redacted_after_the_hook() -> None:
    with kept(Reader(secrets=Secrets(["ssn"]), redact=lambda fields: {**fields, "ssn": "123"})) as handler:
        logging.getLogger("weather").info("hello")
    assert handler.line().fields == {"ssn": REDACTED}


def test_event_names_are_not_fields() -> None:
    with kept() as handler:
        logging.getLogger("weather").info("changed", extra={"otel.event.name": "weather.changed"})
    assert (handler.line().event, handler.line().fields) == ("weather.changed", {})


# What the SDKs log.


def log_as_sdk(logger: str = "mcp.server.lowlevel.server") -> None:
    log = logging.getLogger(logger)
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        log.exception(f"Tool failed: {error}", extra={"argument": SECRET})
        log.warning("Rejected %r of %s", SECRET, SECRET)
        log.log(
            logging.ERROR,
            f"two {SECRET} lines {SECRET}",
        )


def test_what_an_sdk_quotes_is_withheld_and_the_class_stays() -> None:
    with kept() as handler:
        log_as_sdk()
    assert SECRET not in str(handler.lines)
    failed, rejected, two = [line for line in handler.lines if line]
    assert (failed.message, rejected.message, two.message) == ("Tool failed: …", "Rejected … of …", "two … lines …")
    assert failed.failure is not None
    assert (failed.failure.kind, failed.failure.message, failed.failure.stacktrace) == ("ValueError", None, None)


@pytest.mark.parametrize("logger", ["mcp", "mcp.server", "mcp.client.session", "MCP", "fastmcp", "FastMCP.mcp.server"])
def test_loggers_of_sdks_are_known_by_their_names(logger: str) -> None:
    with kept() as handler:
        log_as_sdk(logger)
    assert SECRET not in str(handler.lines)


def test_code_of_an_sdk_is_known_whatever_its_logger_is_called() -> None:
    pathname = lowlevel.__file__
    record = logging.LogRecord("root", logging.INFO, pathname, 1, SECRET, (), None)
    line = Reader().read(record)
    assert line is not None
    assert SECRET not in line.message


@pytest.mark.parametrize(
    "logger", ["weather", "mcp_weather", "fastmcp.weather", "fastmcp.__main__", "mcp.weather", "mcp_opentelemetry.x"]
)
def test_the_users_own_loggers_keep_their_text(logger: str) -> None:
    with kept() as handler:
        log_as_sdk(logger)
    failed = handler.lines[0]
    assert failed is not None
    assert failed.message == f"Tool failed: {SECRET}"
    assert failed.failure is not None
    assert failed.failure.message == SECRET


def test_errors_may_be_recorded_where_that_is_wanted() -> None:
    with kept(Reader(with_errors=True)) as handler:
        log_as_sdk()
    failed = handler.lines[0]
    assert failed is not None
    assert failed.message == f"Tool failed: {SECRET}"
    assert failed.fields == {"argument": SECRET}


def test_source_that_cannot_be_read_gives_nothing_away() -> None:
    record = logging.LogRecord("mcp", logging.INFO, "/nonexistent.py", 7, SECRET, (), None)
    line = Reader().read(record)
    assert line is not None
    assert line.message == "…"
    assert mcp.__name__ == "mcp"  # imported: its loggers are known by its modules


# Other loggers.


@contextmanager
def structlog_by(processor: Any) -> Iterator[None]:
    """Have structlog log by the standard logger, as its manual says."""
    structlog.configure(
        processors=[processor],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.reset_defaults()


def test_structlog_records_pass_through_the_standard_logger() -> None:
    with structlog_by(structlog.stdlib.ProcessorFormatter.wrap_for_formatter), kept() as handler:
        structlog.get_logger("weather").info("fetched", city="Oslo", token="hunter2")
    line = handler.line()
    assert (line.logger, line.message, line.fields) == ("weather", "fetched", {"city": "Oslo", "token": REDACTED})


def test_structlog_passes_exceptions_on() -> None:
    with structlog_by(structlog.stdlib.ProcessorFormatter.wrap_for_formatter), kept() as handler:
        try:
            raise KeyError("x")
        except KeyError:
            structlog.get_logger("weather").error("bad", exc_info=True)
    line = handler.line()
    assert line.failure is not None
    assert (line.failure.kind, line.fields) == ("KeyError", {})


def test_structlog_as_keyword_arguments_works_too() -> None:
    with structlog_by(structlog.stdlib.render_to_log_kwargs), kept() as handler:
        structlog.get_logger("weather").warning("slow", seconds=2)
    assert (handler.line().message, handler.line().fields) == ("slow", {"seconds": 2})


def test_loguru_records_are_handed_on_by_the_handler_of_its_manual() -> None:
    class Propagate(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger(record.name).handle(record)

    sink = loguru.logger.add(Propagate(), format="{message}")
    try:
        with kept() as handler:
            loguru.logger.bind(city="Oslo").info("fetched {}", "rain")
    finally:
        loguru.logger.remove(sink)
    line = handler.line(__name__)
    assert (line.logger, line.message, line.fields) == (__name__, "fetched rain", {"city": "Oslo"})
