"""OpenTelemetry's SDK as a sink: the handler of its logging instrumentation, fed with what is safe to send."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER
from opentelemetry.sdk.environment_variables import OTEL_CONFIG_FILE

from mcp_opentelemetry.logs.line import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mcp_opentelemetry.logs.line import Line

_SDK: Final = "opentelemetry"


def sends_logs(environ: Mapping[str, str]) -> bool:
    """Return whether log records leave this process by OpenTelemetry's SDK."""
    exporters = environ.get(OTEL_LOGS_EXPORTER, "").strip().lower()
    return exporters not in {"", "none"} or bool(environ.get(OTEL_CONFIG_FILE))


def exporting(present: Iterable[logging.Handler]) -> Callable[[Line], None] | None:
    """Return what sends lines to the SDK; `None` if no records leave this process.

    Args:
        present: handlers that do so already, put there by another distribution or at the user's wish.
    """
    handlers = [*present]
    if not handlers:
        if not sends_logs(os.environ):
            return None
        from opentelemetry.instrumentation.logging.handler import (  # noqa: PLC0415 (only where it sends)  # pyright: ignore[reportMissingTypeStubs]
            LoggingHandler,
        )

        handlers = [LoggingHandler()]

    def send(line: Line) -> None:
        if line.logger.partition(".")[0] == _SDK:
            return  # an exporter that cannot export must not have that exported
        record = _record(line)
        for handler in handlers:
            if line.level >= handler.level:
                handler.emit(record)

    return send


def _record(line: Line) -> logging.LogRecord:
    attributes: dict[str, Any] = line.attributes()
    if line.event is not None:
        attributes[EVENT_NAME] = line.event
    record = logging.makeLogRecord(attributes)  # first: what the record is goes before what was given with it
    standard = {
        "name": line.logger,
        "levelno": line.level,
        "levelname": line.level_name,
        "msg": line.message,
        "args": (),
        "created": line.created,
        "exc_info": None,
    }
    record.__dict__.update(standard)
    return record
