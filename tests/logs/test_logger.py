"""`get_logger`: fields as keyword arguments, on the standard logger."""

from __future__ import annotations

import logging

from mcp_opentelemetry import get_logger
from tests.logs.lines import kept


def test_fields_are_keyword_arguments() -> None:
    with kept() as handler:
        get_logger("weather").info("fetched %s", "rain", city="Oslo", name="a name", args=[1])
    line = handler.line()
    assert (line.logger, line.message, line.level) == ("weather", "fetched rain", logging.INFO)
    assert line.fields == {"city": "Oslo", "name_": "a name", "args_": [1]}
    assert handler.records[0].funcName == "test_fields_are_keyword_arguments"


def test_every_name_can_be_a_fields() -> None:
    with kept() as handler:
        get_logger("weather", self=1).info("set", level=5, msg="a", logger=2, message="b")
    assert handler.line().message == "set"
    assert handler.line().fields == {"self": 1, "level": 5, "msg_": "a", "logger": 2, "message_": "b"}


def test_all_that_the_standard_logger_takes_is_taken() -> None:
    def caller() -> None:
        get_logger("weather").log(logging.ERROR, "x", exc_info=KeyError("y"), stack_info=True, stacklevel=2)

    with kept() as handler:
        caller()
    line = handler.line()
    assert handler.records[0].funcName == "test_all_that_the_standard_logger_takes_is_taken"
    assert line.failure is not None
    assert (line.level, line.failure.kind) == (logging.ERROR, "KeyError")
    assert "test_all_that_the_standard_logger_takes_is_taken" in str(line.fields["stack_info"])


def test_plain_logging_works_the_same() -> None:
    with kept() as handler:
        logging.getLogger("weather").info("fetched %s", "rain", extra={"city": "Oslo"})
    assert handler.line().fields == {"city": "Oslo"}


def test_bound_fields_go_with_each_record() -> None:
    log = get_logger("weather", tenant="acme")
    with kept() as handler:
        log.warning("slow", seconds=2)
        log.error("failed", tenant="other", extra={"code": 7})
    assert [line.fields for line in handler.lines if line] == [
        {"tenant": "acme", "seconds": 2},
        {"tenant": "other", "code": 7},
    ]


def test_an_exception_is_logged_as_with_the_standard_logger() -> None:
    with kept() as handler:
        try:
            raise KeyError("x")
        except KeyError:
            get_logger("weather").exception("failed", city="Oslo")
    failure = handler.line().failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("KeyError", "'x'")
    assert 'raise KeyError("x")' in str(failure.stacktrace)


def test_levels_are_those_of_the_logger() -> None:
    with kept(level=logging.WARNING) as handler:
        get_logger("weather").info("unheard", city="Oslo")
    assert handler.lines == []
