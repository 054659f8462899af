"""A record of `logging` read once, for all sinks: context added, secrets and what may not be recorded taken out."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from mcp_opentelemetry.logs.call import current_call, current_trace
from mcp_opentelemetry.logs.line import EVENT_NAME, Failure, Line
from mcp_opentelemetry.logs.plain import Plainer, shown
from mcp_opentelemetry.logs.sdk_records import is_sdks, own_text
from mcp_opentelemetry.operations.failure import qualified_name
from mcp_opentelemetry.redaction import USUAL, Secrets

RedactLog = Callable[[dict[str, Any]], Mapping[str, Any] | None]
"""A hook of the user's: takes the fields of a record, its `message`, `logger` and `level` among them; returns what to
log instead, or `None` for nothing."""

_EMPTY: Final = logging.makeLogRecord({})
# What every record has; `taskName` only since Python 3.12. The last two are where structlog leaves its own.
_STANDARD: Final = frozenset({*vars(_EMPTY), "message", "asctime", "taskName", "_logger", "_name"})
# What opentelemetry-instrumentation-logging may add, of which we have our own.
_ADDED: Final = frozenset({"otelSpanID", "otelTraceID", "otelTraceSampled", "otelServiceName"})


@dataclass(frozen=True)
class Reader:
    """How records are read.

    Args:
        with_errors: whether what the SDKs log may quote messages of exceptions.
        secrets: what is taken out.
        redact: the user's hook.
    """

    with_errors: bool = False
    secrets: Secrets = field(default=USUAL)
    redact: RedactLog | None = None

    def read(self, record: logging.LogRecord) -> Line | None:
        """Return a record as a line; `None` if the user's hook wants none."""
        plainer = Plainer(self.secrets)
        is_withheld = not self.with_errors and is_sdks(record)
        message, given, error = _parts(record)
        event = given.pop(EVENT_NAME, None)
        failure = _failure(error, with_message=not is_withheld)
        fields: dict[str, Any] = {} if is_withheld else given
        fields["message"] = own_text(record) if is_withheld else message
        call = current_call()
        if self.redact is not None:
            seen = {"logger": record.name, "level": record.levelname, **call, **fields}
            redacted = _redacted(self.redact, {**seen, **(failure.attributes() if failure is not None else {})})
            if redacted is None:
                return None
            fields = redacted
            call = {key: value for key, value in call.items() if fields.pop(key, None) == value}
            failure = failure and _as_redacted(failure, fields)
        message = plainer.text(fields.pop("message", ""))
        logger = shown(fields.pop("logger", record.name)) if self.redact is not None else record.name
        if self.redact is not None:
            fields.pop("level", None)
        return Line(
            created=record.created,
            level=record.levelno,
            level_name=record.levelname,
            logger=shown(logger),
            message=message,
            call=call,
            fields=plainer.fields(fields),
            trace=current_trace(),
            failure=failure and _plain(failure, plainer),
            event=None if event is None else shown(event),
            size=plainer.size,
        )


def _redacted(redact: RedactLog, fields: dict[str, Any]) -> dict[str, Any] | None:
    try:
        wanted = redact(fields)
        return None if wanted is None else dict(wanted)
    except Exception as error:  # noqa: BLE001 (the user's own; what it was to take out must not get out)
        return {"message": f"withheld: the redaction hook has raised {type(error).__name__}"}


def _parts(record: logging.LogRecord) -> tuple[str, dict[str, Any], BaseException | None]:
    """Return the message of a record, what was given with it, and the exception."""
    given = {key: value for key, value in vars(record).items() if key not in _STANDARD and key not in _ADDED}
    if record.stack_info:
        given["stack_info"] = record.stack_info
    nested = given.get("extra")
    if isinstance(nested, Mapping):  # as loguru and fastmcp pass it on
        del given["extra"]
        given |= cast("Mapping[str, Any]", nested)
    error = record.exc_info[1] if record.exc_info else None
    raw: object = record.msg
    if isinstance(raw, Mapping) and not record.args:  # as structlog passes it on
        event = dict(cast("Mapping[str, Any]", raw))
        message = shown(event.pop("event", event.pop("message", "")))
        if wanted := event.pop("exc_info", None):
            error = wanted if isinstance(wanted, BaseException) else error or sys.exc_info()[1]
        return message, {**given, **event}, error
    try:
        return record.getMessage(), given, error
    except Exception as failed:  # noqa: BLE001 (arguments that do not fit, or that cannot be shown)
        return f"{shown(record.msg)} (its arguments do not fit: {type(failed).__name__})", given, error


def _failure(error: BaseException | None, *, with_message: bool) -> Failure | None:
    if error is None:
        return None
    if not with_message:
        return Failure(qualified_name(error))
    return Failure(qualified_name(error), shown(error), _stacktrace(error))


def _as_redacted(failure: Failure, fields: dict[str, Any]) -> Failure:
    """Take an exception's parts back from the user's hook; what it has taken out stays out."""
    attributes = {key: fields.pop(key, None) for key in failure.attributes()}
    message, stacktrace = attributes.get("exception.message"), attributes.get("exception.stacktrace")
    return Failure(
        failure.kind, None if message is None else shown(message), None if stacktrace is None else shown(stacktrace)
    )


def _plain(failure: Failure, plainer: Plainer) -> Failure:
    message, stacktrace = failure.message, failure.stacktrace
    return Failure(
        failure.kind,
        None if message is None else plainer.text(message),
        None if stacktrace is None else plainer.end_of(stacktrace),
    )


def _stacktrace(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception as failed:  # noqa: BLE001 (an exception of the host's may not be able to say what it is)
        return f"it cannot be shown ({type(failed).__name__})"
