"""A record of `logging` read once, for all sinks: context added, secrets and what may not be recorded taken out."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from mcp_opentelemetry.logs.call import current_call, current_trace
from mcp_opentelemetry.logs.line import EVENT_NAME, Failure, Line
from mcp_opentelemetry.logs.plain import LONGEST, Plainer, shown
from mcp_opentelemetry.logs.sdk_records import is_sdks, own_text
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
        message, given = _parts(record)
        event = given.pop(EVENT_NAME, None)
        fields: dict[str, Any] = {} if is_withheld else given
        line = {"message": own_text(record) if is_withheld else message, "logger": record.name}
        if self.redact is not None:
            redacted = _redacted(self.redact, {**fields, **line, "level": record.levelname})
            if redacted is None:
                return None
            fields, line = redacted, {key: redacted.pop(key, line[key]) for key in line}
            fields.pop("level", None)
        return Line(
            created=record.created,
            level=record.levelno,
            level_name=record.levelname,
            logger=shown(line["logger"]),
            message=plainer.text(line["message"]),
            call=current_call(),
            fields=plainer.fields(fields),
            trace=current_trace(),
            failure=_failure(record, plainer, with_message=not is_withheld),
            event=None if event is None else shown(event),
        )


def _redacted(redact: RedactLog, fields: dict[str, Any]) -> dict[str, Any] | None:
    try:
        wanted = redact(fields)
        return None if wanted is None else dict(wanted)
    except Exception as error:  # noqa: BLE001 (the user's own; what it was to take out must not get out)
        return {"message": f"withheld: the redaction hook has raised {type(error).__name__}"}


def _parts(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    """Return the message of a record and what was given with it."""
    given = {key: value for key, value in vars(record).items() if key not in _STANDARD and key not in _ADDED}
    if record.stack_info:
        given["stack_info"] = record.stack_info
    nested = given.get("extra")
    if isinstance(nested, Mapping):  # as loguru and fastmcp pass it on
        del given["extra"]
        given |= cast("Mapping[str, Any]", nested)
    raw: object = record.msg
    if isinstance(raw, Mapping) and not record.args:  # as structlog passes it on
        event = dict(cast("Mapping[str, Any]", raw))
        return shown(event.pop("event", event.pop("message", ""))), {**given, **event}
    try:
        return record.getMessage(), given
    except Exception as error:  # noqa: BLE001 (arguments that do not fit, or that cannot be shown)
        return f"{shown(record.msg)} (its arguments do not fit: {type(error).__name__})", given


def _failure(record: logging.LogRecord, plainer: Plainer, *, with_message: bool) -> Failure | None:
    kind, error, _ = record.exc_info or (None, None, None)
    if kind is None:
        return None
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if not with_message or error is None:
        return Failure(name)
    return Failure(name, plainer.text(error), _stacktrace(error, plainer))


def _stacktrace(error: BaseException, plainer: Plainer) -> str:
    try:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception as failed:  # noqa: BLE001 (an exception of the host's may not be able to say what it is)
        return f"it cannot be shown ({type(failed).__name__})"
    # What happened stands at the end.
    return plainer.text(text if len(text) <= LONGEST else "…" + text[1 - LONGEST :])
