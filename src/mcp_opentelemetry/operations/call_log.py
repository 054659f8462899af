"""One line for each message that is handled: what, how it ended, how long it took. No arguments, no results."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import get_current_span

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.operations.failure import qualified_name
from mcp_opentelemetry.operations.outcome import SUCCESS, Outcome
from mcp_opentelemetry.operations.size import size_of, size_of_texts

if TYPE_CHECKING:
    from mcp_opentelemetry.operations.capture import Capture
    from mcp_opentelemetry.operations.kind import Kind
    from mcp_opentelemetry.operations.message import Message

# What the caller did wrong, or wanted so.
_CALLERS: Final = frozenset({semconv.INVALID_ARGUMENTS, semconv.UNKNOWN_TOOL, semconv.CANCELLED})
_RANDOM_BITS: Final = (1 << 56) - 1  # of a trace id, as W3C Trace Context 2 has it

_logger = logging.getLogger("mcp_opentelemetry.calls")


class CallLog:
    """The log of what is handled; a handler of the application's that raises is nobody's trouble.

    Args:
        level: of the lines of what succeeds.
        ratio: the share of what succeeds that has a line, 0 to 1; all of a trace have, or none.
    """

    def __init__(self, level: int = logging.INFO, ratio: float = 1.0) -> None:
        self._level = level
        self._ratio = ratio

    @guarded
    def started(self, kind: Kind) -> None:
        """Note the begin of an operation."""
        if _logger.isEnabledFor(logging.DEBUG):
            _logger.debug("%s started", kind.span_name)

    @guarded
    def finished(
        self, kind: Kind, message: Message, elapsed: float, outcome: Outcome, result: object, capture: Capture
    ) -> None:
        """Note the end of an operation; it must be the current one still.

        Args:
            kind: its kind.
            message: its message.
            elapsed: seconds.
            outcome: how it ended.
            result: a tool's result.
            capture: whether messages of exceptions, arguments and results may be logged.
        """
        level = self._level_of(outcome)
        if not _logger.isEnabledFor(level) or (outcome is SUCCESS and not self._is_chosen()):
            return
        if not message.is_request and outcome is SUCCESS:
            level = logging.DEBUG  # nobody waits for it
        ended = "succeeded" if outcome is SUCCESS else f"failed with {outcome.failure or outcome.status_code}"
        exception = outcome.exception if capture.errors else None
        _logger.log(
            level,
            "%s %s in %.1f ms",
            kind.span_name,
            ended,
            elapsed * 1000,
            extra=_fields(message, elapsed, outcome, result, capture),
            exc_info=(type(exception), exception, exception.__traceback__) if exception is not None else None,
        )

    def _level_of(self, outcome: Outcome) -> int:
        if outcome is SUCCESS:
            return self._level
        is_callers = outcome.error_type is None or outcome.failure in _CALLERS
        return logging.WARNING if is_callers else logging.ERROR

    def _is_chosen(self) -> bool:
        if self._ratio >= 1:
            return True
        trace_id = get_current_span().get_span_context().trace_id
        number = trace_id & _RANDOM_BITS if trace_id else random.getrandbits(56)
        return number < self._ratio * _RANDOM_BITS


def _fields(message: Message, elapsed: float, outcome: Outcome, result: object, capture: Capture) -> dict[str, Any]:
    failure = outcome.failure or outcome.status_code
    fields: dict[str, Any] = {
        "duration": round(elapsed, 6),
        "outcome": "success" if outcome is SUCCESS else failure,
        **outcome.attributes(),
    }
    if message.arguments is not None:
        fields["request.size"] = size_of_texts(message.arguments)
    if result is not None:
        fields["response.size"] = size_of(result)
    if outcome.exception is not None and not capture.errors:
        fields["exception.type"] = qualified_name(outcome.exception)
    if capture.content:
        tool = message.target or semconv.OTHER
        for name, value in (
            (semconv.GEN_AI_TOOL_CALL_ARGUMENTS, message.arguments),
            (semconv.GEN_AI_TOOL_CALL_RESULT, result),
        ):
            if value is not None:
                fields[name] = capture.text(tool, value)
    return fields
