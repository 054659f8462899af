"""OpenTelemetry's SDK as a sink: the handler of its logging instrumentation, fed with what is safe to send."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk.environment_variables import OTEL_CONFIG_FILE

from mcp_opentelemetry.logs.line import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcp_opentelemetry.logs.line import Line

_SDK: Final = "opentelemetry"


def sends_logs(environ: Mapping[str, str]) -> bool:
    """Return whether log records leave this process by OpenTelemetry's SDK."""
    exporters = environ.get(OTEL_LOGS_EXPORTER, "").strip().lower()
    return exporters not in {"", "none"} or bool(environ.get(OTEL_CONFIG_FILE))


def exporting(present: Sequence[logging.Handler]) -> Callable[[Line], None]:
    """Return what sends lines to the SDK, where records leave this process.

    Args:
        present: handlers that do so already, put there by another distribution or at the user's wish; more may come.
    """
    own: list[logging.Handler] = []
    if not present and sends_logs(os.environ):
        from opentelemetry.instrumentation.logging.handler import (  # noqa: PLC0415 (only where it sends)  # pyright: ignore[reportMissingTypeStubs]
            LoggingHandler,
        )

        own = [LoggingHandler()]

    def send(line: Line) -> None:
        handlers = present or own
        # What exporting itself has logged must not be exported.
        if not handlers or line.logger.partition(".")[0] == _SDK or not is_instrumentation_enabled():
            return
        record = _record(line)
        for handler in handlers:
            if line.level >= handler.level:
                handler.handle(record)

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
