"""The last calls that failed or were slow: what, when, and the trace that tells more. No arguments, no messages."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import format_trace_id, get_current_span

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from mcp_opentelemetry.operations.kind import Kind

SLOW: Final = 1.0
"""Seconds from which on a call is slow."""

_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class NotableCall:
    """A call that failed or was slow.

    Args:
        ended: seconds since the epoch.
        name: its method and target, bounded names.
        duration: seconds.
        error_type: the kind of error, if it failed.
        trace_id: as 32 hexadecimal digits, if its span was sampled.
    """

    ended: float
    name: str
    duration: float
    error_type: str | None
    trace_id: str | None


class NotableCalls:
    """The last fifty of each sort, the oldest first: many slow ones do not crowd out the failed."""

    def __init__(self) -> None:
        self.failed: deque[NotableCall] = deque(maxlen=_KEPT)
        self.slow: deque[NotableCall] = deque(maxlen=_KEPT)

    def note(self, kind: Kind, duration: float, failure: str | None, context: Context) -> None:
        """Keep a call.

        Args:
            kind: the kind of its operation.
            duration: seconds.
            failure: the kind of error, if it failed.
            context: the context of its span.
        """
        span = get_current_span(context).get_span_context()
        trace_id = format_trace_id(span.trace_id) if span.trace_flags.sampled else None
        call = NotableCall(time(), kind.span_name, duration, failure, trace_id)
        (self.slow if failure is None else self.failed).append(call)
