"""Whose handlers write: the application's stay and get no twin, a missing one and an SDK's are replaced."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver.utilities.logging import configure_logging
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from mcp_opentelemetry.config import PREFIX, Settings
from mcp_opentelemetry.instrumentation.patches import Patches
from mcp_opentelemetry.logs.line import Line
from mcp_opentelemetry.logs.logs import Logs
from mcp_opentelemetry.logs.pipeline import Pipeline
from tests.waiting import eventually

Start = Callable[..., Logs]
Written = Callable[[], list[dict[str, Any]]]
Messages = Callable[[], list[str]]


@pytest.fixture
def start(root: logging.Logger) -> Iterator[Start]:
    """Return a function that starts logs with settings, as a server would."""
    patches = Patches()
    all_logs: list[Logs] = []

    def begin(*, started: bool = True, to_client: Callable[[Line], None] = lambda _: None, **settings: object) -> Logs:
        given = Settings.from_mapping({PREFIX + name.upper(): str(value) for name, value in settings.items()})
        logs = Logs(lambda: given, lambda: "weather", to_client)
        all_logs.append(logs)
        logs.install(patches)
        if started:
            logs.start()
        return logs

    yield begin
    patches.remove()
    for logs in all_logs:
        logs.close()


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that returns what has been written to standard error since it was last asked."""

    def read() -> list[dict[str, Any]]:
        for handler in logging.getLogger().handlers:
            handler.flush()
        captured = capsys.readouterr()
        assert captured.out == ""
        return [json.loads(line) for line in captured.err.splitlines()]

    return read


@pytest.fixture
def messages(written: Callable[[], list[dict[str, Any]]]) -> Callable[[], list[str]]:
    """Return a function that returns the messages among it."""
    return lambda: [line["message"] for line in written()]


def test_where_nobody_has_configured_logging_records_are_json_on_stderr(start: Start, written: Written) -> None:
    start()
    logging.getLogger("weather").info("fetched", extra={"city": "Oslo"})
    logging.getLogger("weather").debug("unheard")
    (line,) = written()
    assert (line["logger"], line["level"], line["message"], line["city"]) == ("weather", "INFO", "fetched", "Oslo")


def test_the_applications_handlers_stay_and_get_no_twin(start: Start, root: logging.Logger, messages: Messages) -> None:
    own = logging.StreamHandler(io.StringIO())
    root.addHandler(own)
    start()
    logging.getLogger("weather").warning("fetched")
    assert messages() == []
    assert own.stream.getvalue() == "fetched\n"
    assert root.level == logging.WARNING


def test_a_logger_with_a_console_handler_of_its_own_gets_no_twin(start: Start, messages: Messages) -> None:
    logger, own = logging.getLogger("with.own"), logging.StreamHandler(sys.stderr)
    own.setFormatter(logging.Formatter('{"message": "own %(message)s"}'))
    logger.addHandler(own)
    try:
        start()
        logging.getLogger("with.own.child").warning("fetched")
        assert messages() == ["own fetched"]
    finally:
        logger.removeHandler(own)


def test_the_level_of_an_application_that_configures_logging_later_is_its_own(
    start: Start, root: logging.Logger
) -> None:
    start()
    assert root.level == logging.INFO
    logging.basicConfig(stream=io.StringIO())
    assert root.level == logging.WARNING


def test_loggers_of_ours_survive_a_configuration_that_disables_others(start: Start, messages: Messages) -> None:
    ours, other = logging.getLogger("mcp_opentelemetry.alerts"), logging.getLogger("other")
    others = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    start()
    try:
        logging.config.dictConfig({"version": 1})
        ours.warning("an alert")
        other.warning("unheard")
        assert messages() == ["an alert"]
    finally:
        for logger in others:
            logger.disabled = False


def test_a_file_that_means_nothing_takes_nothing_along(start: Start, messages: Messages) -> None:
    start(log_file="~nosuchuser/server.log")
    logging.getLogger("weather").info("fetched")
    assert messages() == ["fetched"]
    shutil.rmtree("~nosuchuser", ignore_errors=True)


def test_filters_of_a_handler_that_exports_hold(start: Start, root: logging.Logger) -> None:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    start()
    theirs = LoggingHandler(logger_provider=provider)
    theirs.addFilter(lambda record: record.name != "secret")
    logging.basicConfig(handlers=[theirs])  # later than our start
    logging.getLogger("secret").warning("unheard")
    logging.getLogger("weather").warning("heard")
    assert theirs not in root.handlers
    assert [each.log_record.body for each in exporter.get_finished_logs()] == ["WARNING:weather:heard"]


def test_an_application_that_configures_logging_later_is_not_kept_from_it(
    start: Start, root: logging.Logger, messages: Messages
) -> None:
    start()
    logging.getLogger("weather").info("before")
    stream = io.StringIO()
    logging.basicConfig(stream=stream, format="app: %(message)s", level=logging.INFO)
    logging.getLogger("weather").info("after")
    assert messages() == ["before"]
    assert stream.getvalue() == "app: after\n"
    assert any(isinstance(handler, Pipeline) for handler in root.handlers)


@pytest.mark.parametrize("by", ["basicConfig", "dictConfig", "fileConfig"])
def test_a_file_of_ours_goes_on_whatever_the_application_configures(start: Start, tmp_path: Path, by: str) -> None:
    start(log_file=tmp_path / "server.log")
    if by == "basicConfig":
        logging.basicConfig(stream=io.StringIO(), level=logging.INFO, force=True)
    elif by == "dictConfig":
        handlers = {"own": {"class": "logging.StreamHandler"}}
        root = {"handlers": ["own"], "level": "INFO"}
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "handlers": handlers, "root": root})
    else:
        (tmp_path / "logging.ini").write_text(
            "[loggers]\nkeys=root\n[handlers]\nkeys=own\n[formatters]\nkeys=\n"
            "[logger_root]\nlevel=INFO\nhandlers=own\n[handler_own]\nclass=StreamHandler\nargs=()\n"
        )
        logging.config.fileConfig(tmp_path / "logging.ini", disable_existing_loggers=False)
    logging.getLogger("weather").info("after")
    for handler in logging.getLogger().handlers:
        handler.flush()
    (line,) = (tmp_path / "server.log").read_text().splitlines()
    assert json.loads(line)["message"] == "after"


@pytest.mark.parametrize("when", ["before the start", "after it"])
def test_the_handler_of_an_sdk_gives_way(start: Start, root: logging.Logger, when: str, messages: Messages) -> None:
    logs = start(started=False)
    if when == "after it":
        logs.start()
    server = MCPServer("weather", log_level="WARNING") if when == "before the start" else configure_logging("WARNING")
    if when == "before the start":
        (theirs,) = root.handlers
        logs.start()
    assert [type(handler) for handler in root.handlers] == [Pipeline]
    logging.getLogger("weather").warning("heard")
    logging.getLogger("weather").info("not at this level: the server has said so")
    assert messages() == ["heard"]
    logs.close()
    assert len(root.handlers) == 1, "theirs is back"
    if when == "before the start":
        assert root.handlers == [theirs]
    del server


def test_a_format_that_is_asked_for_is_the_only_one_on_the_console(
    start: Start, root: logging.Logger, messages: Messages
) -> None:
    root.addHandler(logging.StreamHandler(sys.stderr))
    file = logging.StreamHandler(io.StringIO())
    root.addHandler(file)
    start(log_format="otel", log_level="debug")
    logging.getLogger("weather").debug("fetched")
    assert messages() == ["fetched"]
    assert file.stream.getvalue() == "fetched\n"


def test_loggers_of_frameworks_write_in_the_format_that_is_asked_for(start: Start, messages: Messages) -> None:
    names = ("uvicorn", "uvicorn.access", "uvicorn.error")
    before = {name: ([*logging.getLogger(name).handlers], logging.getLogger(name).propagate) for name in names}
    try:
        logs = start(log_format="otel")
        uvicorn.Config(lambda: None)  # configures its loggers, with handlers of their own that do not propagate
        logging.getLogger("uvicorn.error").info("started")
        logging.getLogger("uvicorn.access").info("%s - %s", "client", "GET /mcp")
        assert messages() == ["started", "client - GET /mcp"]
        logs.close()
        assert logging.getLogger("uvicorn").handlers
        assert not logging.getLogger("uvicorn").propagate
    finally:
        for name, (handlers, propagate) in before.items():
            logging.getLogger(name).handlers[:] = handlers
            logging.getLogger(name).propagate = propagate


def test_loggers_of_frameworks_are_left_alone_otherwise(start: Start) -> None:
    logger = logging.getLogger("fastmcp")
    own = logging.StreamHandler(sys.stderr)
    logger.addHandler(own)
    logger.propagate = False
    try:
        start()
        assert logger.handlers == [own]
        assert not logger.propagate
    finally:
        logger.removeHandler(own)
        logger.propagate = True


def test_off_writes_nothing_and_takes_nothing(
    start: Start, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    own = logging.StreamHandler(sys.stderr)
    root.addHandler(own)
    start(log_format="off")
    logging.getLogger("weather").warning("fetched")
    assert own in root.handlers
    assert capsys.readouterr().err == "fetched\n"


def test_off_leaves_the_handler_of_an_sdk_alone(start: Start, root: logging.Logger) -> None:
    logs = start(log_format="off")
    configure_logging("INFO")
    logs.start()
    assert len(root.handlers) == 2


def test_off_still_writes_a_file(start: Start, tmp_path: Path, root: logging.Logger, messages: Messages) -> None:
    start(log_format="off", log_file=tmp_path / "server.log")
    logging.getLogger("weather").info("fetched")
    root.handlers[0].flush()
    assert messages() == []
    assert json.loads((tmp_path / "server.log").read_text())["message"] == "fetched"


@pytest.mark.parametrize("level", ["debug", "info", "error"])
def test_a_level_that_is_asked_for_is_the_level(start: Start, root: logging.Logger, level: str) -> None:
    logs = start(log_level=level)
    assert root.level == getattr(logging, level.upper())
    logs.close()
    assert root.level == logging.WARNING


def test_a_level_that_the_application_has_set_stays(start: Start, root: logging.Logger) -> None:
    root.setLevel(logging.ERROR)
    start()
    assert root.level == logging.ERROR


def test_what_a_wild_logger_logs_too_much_is_said(start: Start, messages: Messages) -> None:
    start(log_rate_limit=3)
    for number in range(10):
        logging.getLogger("wild").info("%d", number)
    logging.getLogger("other").info("still heard")
    assert [*messages()] == [
        *("0", "1", "2"),
        "still heard",
        "suppressed 7 records of wild: it logs more than 3 a second",
    ]


def test_what_was_held_back_is_said_though_nobody_logs_any_more(start: Start, messages: Messages) -> None:
    start(log_rate_limit=1)
    logging.getLogger("wild").info("heard")
    logging.getLogger("wild").info("unheard")
    said: list[str] = []

    def is_said() -> bool:
        said.extend(messages())
        return any("suppressed 1 records of wild" in message for message in said)

    eventually(is_said)
    assert said[0] == "heard"


def test_further_keys_are_redacted(start: Start, written: Written) -> None:
    start(log_redact="ssn")
    logging.getLogger("weather").info("fetched", extra={"ssn": "123"})
    assert written()[0]["ssn"] == "[redacted]"


def test_lines_go_to_the_client_where_that_is_wanted(start: Start) -> None:
    lines: list[Line] = []
    start(to_client=lines.append)
    logging.getLogger("weather").info("for nobody")
    start(to_client=lines.append, log_to_client="info")
    logging.getLogger("weather").info("for the client")
    assert [line.message for line in lines] == ["for the client"]


def test_a_handler_that_exports_already_gets_what_is_safe_and_only_once(
    start: Start, root: logging.Logger, messages: Messages
) -> None:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    theirs = LoggingHandler(logger_provider=provider)
    root.addHandler(theirs)
    logs = start()
    logs.start()  # as `configure` does
    try:
        raise ValueError("alice@example.com")
    except ValueError:
        logging.getLogger("mcp.server").exception("failed")
    logging.getLogger("weather").info(
        "fetched", extra={"city": "Oslo", "token": "x", "otel.event.name": "weather.fetched"}
    )
    logging.getLogger("opentelemetry.exporter").warning("cannot export")
    failed, fetched = [each.log_record for each in exporter.get_finished_logs()]
    assert failed.attributes == {"exception.type": "ValueError"}
    assert fetched.body == "fetched"
    assert fetched.event_name == "weather.fetched"
    assert fetched.attributes == {"city": "Oslo", "token": "[redacted]"}
    assert messages()[:2] == ["failed", "fetched"]
    logs.close()
    assert theirs in root.handlers


def test_starting_twice_writes_once(start: Start, messages: Messages) -> None:
    logs = start()
    logs.start()
    logging.getLogger("weather").info("fetched")
    assert messages() == ["fetched"]


def test_stderr_that_nobody_reads_any_more_is_no_error(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    start()
    monkeypatch.setattr(sys, "stderr", Broken())
    logging.getLogger("weather").info("unheard")
    logging.getLogger().handlers[0].flush()
