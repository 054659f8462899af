"""One log record as every sink is given it: plain values, with no secret among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""What JSON can say."""

EVENT_NAME: Final = "otel.event.name"
"""The attribute of a record that makes an event of it (OpenTelemetry, semantic conventions of events)."""


class Trace(NamedTuple):
    """The span that a record was logged in, in lowercase hexadecimal digits."""

    trace_id: str
    span_id: str
    flags: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception.

    Args:
        kind: its class, with the module unless it is built in.
        message: its text; `None` where that may not be recorded.
        stacktrace: likewise.
    """

    kind: str
    message: str | None = None
    stacktrace: str | None = None

    def attributes(self) -> dict[str, Plain]:
        """Return what the conventions call its parts."""
        parts: dict[str, str | None] = {
            "exception.type": self.kind,
            "exception.message": self.message,
            "exception.stacktrace": self.stacktrace,
        }
        return {name: value for name, value in parts.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Line:
    """One record.

    Args:
        created: seconds since the epoch.
        level: its number.
        level_name: its name.
        logger: the logger's name.
        message: the text.
        call: what is known of the call that it was logged in.
        fields: what was given with it.
        trace: the span that it was logged in.
        failure: the exception that was logged.
        event: the name of the event that it is, if it is one.
        size: of its texts, in characters.
    """

    created: float
    level: int
    level_name: str
    logger: str
    message: str
    call: dict[str, Plain] = field(default_factory=dict[str, Plain])
    fields: dict[str, Plain] = field(default_factory=dict[str, Plain])
    trace: Trace | None = None
    failure: Failure | None = None
    event: str | None = None
    size: int = 0

    def attributes(self) -> dict[str, Plain]:
        """Return all that is known beside time, level, logger, message and trace."""
        return {**self.call, **self.fields, **(self.failure.attributes() if self.failure is not None else {})}
