"""How a failure is written on its span: classes always, texts only where they may be captured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import StatusCode

from mcp_opentelemetry.operations import semconv

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from mcp_opentelemetry.operations.capture import Capture
    from mcp_opentelemetry.operations.outcome import Outcome


def mark(span: Span, outcome: Outcome, capture: Capture) -> None:
    """Write an outcome on its span; one that is no error by the conventions leaves the status unset."""
    if not span.is_recording():
        return
    span.set_attributes(outcome.attributes())
    if outcome.exception is not None:
        if capture.errors:
            span.record_exception(outcome.exception)
        else:
            span.add_event("exception", {semconv.EXCEPTION_TYPE: qualified_name(outcome.exception)})
    if outcome.error_type is not None:
        span.set_status(StatusCode.ERROR, outcome.message if capture.errors else None)


def qualified_name(exception: BaseException) -> str:
    """Return the name of an exception's class, as the SDK's own `record_exception` writes it."""
    kind = type(exception)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
