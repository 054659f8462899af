"""How an operation ended, in the words of the conventions and of our contract."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mcp_opentelemetry.operations import semconv

# On Python 3.10 asyncio's is a class of its own.
_TIMEOUTS = (TimeoutError, asyncio.TimeoutError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of an operation's end; the default is success.

    Args:
        error_type: `error.type` of span and duration; `None` where the server is not to blame.
        status_code: the JSON-RPC error code that the peer receives, as a string.
        failure: `error_type` in `mcp.errors`; `None` when the call did not fail.
        exception: what was raised, kept by its class unless messages may be captured.
        message: the JSON-RPC error's message, recorded only when messages may be captured.
    """

    error_type: str | None = None
    status_code: str | None = None
    failure: str | None = None
    exception: BaseException | None = None
    message: str | None = None

    def attributes(self) -> dict[str, str]:
        """Return what the conventions put on both the span and the duration."""
        attributes: dict[str, str] = {}
        if self.error_type is not None:
            attributes[semconv.ERROR_TYPE] = self.error_type
        if self.status_code is not None:
            attributes[semconv.RPC_STATUS_CODE] = self.status_code
        return attributes


SUCCESS = Outcome()


def tool_error(exception: BaseException | None = None, *, fault: str | None = None) -> Outcome:
    """Return the outcome of a call whose result is an error.

    Args:
        exception: what the tool raised; `None` if it returned the error itself.
        fault: `invalid_arguments` or `unknown_tool`, where the caller is to blame.
    """
    if exception is not None and fault is None:
        return Outcome(semconv.TOOL_ERROR, failure=failure_of(exception), exception=exception)
    return Outcome(semconv.TOOL_ERROR, failure=fault or semconv.TOOL_ERROR)


def protocol_error(code: int, message: str | None, *, fault: str) -> Outcome:
    """Return the outcome of a request answered with a JSON-RPC error that the server meant to send.

    Args:
        code: the JSON-RPC error code.
        message: its text.
        fault: what to count invalid params as.
    """
    status_code = str(code)
    failure = fault if code == semconv.INVALID_PARAMS else status_code
    if code in semconv.CALLER_FAULT_CODES:
        return Outcome(status_code=status_code, failure=failure)
    return Outcome(status_code, status_code, failure, message=message)


def refused(code: int, message: str | None) -> Outcome:
    """Return the outcome of a request that the other side answered with a JSON-RPC error: any is one for the sender."""
    return Outcome(str(code), str(code), str(code), message=message)


def lost(reason: str) -> Outcome:
    """Return the outcome of a request that never got its answer.

    Args:
        reason: `timeout`, `connection_closed`, or the HTTP status or class of what went wrong on the way.
    """
    return Outcome(reason, failure=reason)


def crash(exception: BaseException, code: int | None) -> Outcome:
    """Return the outcome of an exception that nobody caught.

    Args:
        exception: the exception.
        code: the JSON-RPC error code that the SDK makes of it; `None` if it answers nothing.
    """
    failure = failure_of(exception)
    if code is None:
        return Outcome(failure, failure=failure, exception=exception)
    return Outcome(str(code), str(code), failure, exception)


def cancelled() -> Outcome:
    """Return the outcome of a call that its caller, a disconnect or the shutdown cut short."""
    return Outcome(semconv.CANCELLED, failure=semconv.CANCELLED)


def failure_of(exception: BaseException) -> str:
    """Return how `mcp.errors` names an exception: by its class, or as a timeout."""
    return semconv.TIMEOUT if isinstance(exception, _TIMEOUTS) else type(exception).__name__
