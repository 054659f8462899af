"""Lines as text: JSON in OpenTelemetry's or Elastic's words, or for people."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.logs.plain import cut

if TYPE_CHECKING:
    from mcp_opentelemetry.logs.line import Line, Plain

Format = Callable[["Line"], str]
"""Returns a record as text, one line of it."""

LONGEST_LINE: Final = 16_000
"""Bytes of a line: container engines cut at 16 KiB."""

_SHORTER: Final = (2048, 512, 128)  # characters of each text, until the line fits
# Where there are too many fields: how many stay (time, level, logger, message, and what stands first), and how long.
_CORE: Final = 12
_SHORTEST: Final = 64
# What ends a line or steers a terminal: escaped in JSON by its own rules only below U+0020.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_ECS_VERSION: Final = "8.11.0"
_COLOURS: Final = {
    logging.DEBUG: "\x1b[2m",
    logging.INFO: "\x1b[32m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_RESET: Final = "\x1b[0m"


def otel(line: Line) -> str:
    """Return a line as JSON, with trace ids as OpenTelemetry has them in formats other than OTLP."""
    fields: dict[str, Plain] = {
        "timestamp": _moment(line.created),
        "level": line.level_name,
        "logger": line.logger,
        "message": line.message,
    }
    if line.trace is not None:
        fields["trace_id"], fields["span_id"], fields["trace_flags"] = line.trace
    if line.event is not None:
        fields["event_name"] = line.event
    return _fitting(fields, line)


def ecs(service: Callable[[], str]) -> Format:
    """Return a format: JSON in the words of the Elastic Common Schema.

    Args:
        service: returns the name of the service.
    """

    def write(line: Line) -> str:
        fields: dict[str, Plain] = {
            "@timestamp": _moment(line.created),
            "log.level": line.level_name.lower(),
            "message": line.message,
            "ecs.version": _ECS_VERSION,
            "log.logger": line.logger,
            "service.name": service(),
        }
        if line.trace is not None:
            fields["trace.id"], fields["span.id"], _ = line.trace
        if line.event is not None:
            fields["event.action"] = line.event
        return _fitting(fields, line, _ECS_FAILURE)

    return write


def text(line: Line, *, in_colour: bool = False) -> str:
    """Return a line for people; a stack trace stands below it, indented."""
    when = datetime.fromtimestamp(line.created).astimezone().strftime("%H:%M:%S.%f")[:-3]
    level = f"{line.level_name:<8}"
    if in_colour:
        level = f"{_COLOURS.get(line.level, '')}{level}{_RESET}"
    attributes = line.attributes()
    stack = attributes.pop("exception.stacktrace", None)
    if line.trace is not None:
        attributes["trace_id"] = line.trace.trace_id
    pairs = [f" {_escaped(key)}={_value(value)}" for key, value in attributes.items()]
    head = cut(f"{when} {level} {_escaped(line.logger)}: {_escaped(line.message)}{''.join(pairs)}", LONGEST_LINE)
    below = [f"\n    | {_escaped(each)}" for each in str(stack).splitlines()] if stack is not None else []
    return head + "".join(below)


_ECS_FAILURE: Final = {
    "exception.type": "error.type",
    "exception.message": "error.message",
    "exception.stacktrace": "error.stack_trace",
}


def _fitting(fields: dict[str, Plain], line: Line, names: dict[str, str] | None = None) -> str:
    """Return fields as JSON, with everything else that a line has; shortened as far as it must be."""
    for key, value in line.attributes().items():
        name = names.get(key, key) if names is not None else key
        # What the record is goes before what was given with it.
        fields[f"extra.{name}" if name in fields else name] = value
    written = _json(fields)
    for longest in _SHORTER:
        if _bytes(written) <= LONGEST_LINE:
            return written
        written = _json({**_shortened(fields, longest), "truncated": True})
    if _bytes(written) <= LONGEST_LINE:
        return written
    few = {cut(key, _SHORTEST): _shortened(value, _SHORTEST) for key, value in list(fields.items())[:_CORE]}
    return _json(
        {key: "…" if isinstance(value, dict | list) else value for key, value in few.items()} | {"truncated": True}
    )


def _json(fields: dict[str, Any]) -> str:
    written = json.dumps(fields, ensure_ascii=False)
    return written if written.isascii() and "\x7f" not in written else _UNSAFE.sub(_escape, written)


def _bytes(written: str) -> int:
    return len(written) if written.isascii() else len(written.encode())


def _shortened(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return cut(value, longest)
    if isinstance(value, list):
        return [_shortened(item, longest) for item in value[: longest // 8]]  # pyright: ignore[reportUnknownVariableType] (plain)
    if isinstance(value, dict):
        return {cut(key, longest): _shortened(item, longest) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] (plain)
    return value


def _value(value: Plain) -> str:
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _escaped(json.dumps(written, ensure_ascii=False) if " " in written or not written else written)


def _escaped(value: str) -> str:
    return _CONTROL.sub(_escape, value)


def _escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0], f"\\u{ord(match[0]):04x}")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds")[:-6] + "Z"
