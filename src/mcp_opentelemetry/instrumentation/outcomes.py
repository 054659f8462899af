"""What a handler of mcp 2.x returned or raised, as an outcome."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from anyio import get_cancelled_exc_class

from mcp_opentelemetry.operations import outcome
from mcp_opentelemetry.operations.semconv import INVALID_ARGUMENTS, INVALID_PARAMS, UNKNOWN_TOOL

if TYPE_CHECKING:
    from mcp_opentelemetry.operations.outcome import Outcome

_SDKS: Final = ("mcp", "fastmcp")
# Who takes part in checking arguments; a frame of anyone else's is the host's.
_CHECKERS: Final = frozenset({*_SDKS, "pydantic", "jsonschema", "anyio", "asyncio", "mcp_opentelemetry"})
# What the SDK answers when a handler crashes: the JSON-RPC code for it since 2026-07-28, a bare 0 before.
_INTERNAL_ERROR: Final = -32603
_LEGACY_ERROR: Final = 0


def of_result(result: Any, raised: BaseException | None, *, is_known: bool) -> Outcome:
    """Return the outcome of a request that was answered with a result.

    Args:
        result: the result, as a model or as it goes over the wire.
        raised: what the tool raised below, if anything.
        is_known: whether the server has the tool that was asked for.
    """
    if not _is_error(result):
        return outcome.SUCCESS
    if not is_known:
        return outcome.tool_error(fault=UNKNOWN_TOOL)
    if raised is None:
        return outcome.tool_error()
    if _rejects_arguments(raised):
        return outcome.tool_error(fault=INVALID_ARGUMENTS)
    return outcome.tool_error(_original(raised))


def of_response(response: Any, raised: BaseException | None, *, is_known: bool, is_request: bool) -> Outcome:
    """Return the outcome of a message that mcp 1.x has answered, or has not.

    Args:
        response: a result or an error; `None` if none was sent.
        raised: what the handler raised below, if anything.
        is_known: whether the server has the tool that was asked for.
        is_request: whether somebody waits for an answer.
    """
    if not is_request:
        return outcome.SUCCESS
    if response is None:
        return outcome.cancelled()
    if not hasattr(response, "code"):
        return of_result(getattr(response, "root", response), raised, is_known=is_known)
    if raised is not None and not isinstance(raised, _type("mcp.shared.exceptions", "McpError")):
        return outcome.crash(_original(raised), response.code)
    return outcome.protocol_error(
        response.code, response.message, fault=INVALID_ARGUMENTS if is_known else UNKNOWN_TOOL
    )


def of_exception(error: BaseException, *, is_known: bool, is_modern: bool, is_request: bool) -> Outcome:
    """Return the outcome of a message whose handler raised.

    Args:
        error: what was raised.
        is_known: whether the server has the tool that was asked for.
        is_modern: whether the message came over MCP 2026-07-28 or later.
        is_request: whether somebody gets an answer.
    """
    if isinstance(error, get_cancelled_exc_class()):
        return outcome.cancelled()
    fault = INVALID_ARGUMENTS if is_known else UNKNOWN_TOOL
    data = getattr(error, "error", None)
    if isinstance(error, _type("mcp.shared.exceptions", "MCPError")) and data is not None:
        return outcome.protocol_error(data.code, data.message, fault=fault)
    if isinstance(error, _type("pydantic", "ValidationError")):
        return outcome.protocol_error(INVALID_PARAMS, None, fault=fault)
    if not is_request or not isinstance(error, Exception):
        return outcome.crash(error, None)
    return outcome.crash(_original(error), _INTERNAL_ERROR if is_modern else _LEGACY_ERROR)


def _is_error(result: Any) -> bool:
    if type(result) is dict or isinstance(result, Mapping):  # the first is fast, and what goes over the wire
        return cast("Mapping[str, Any]", result).get("isError") is True
    return getattr(result, "is_error", False) is True or getattr(result, "isError", False) is True


def _rejects_arguments(raised: BaseException) -> bool:
    """Return whether a tool's exception is the SDK's word that the arguments do not fit its schema.

    The same exception out of the tool's own code is the tool's: then a frame of that code is in its traceback.
    """
    error = _original(raised)
    schemas = _type("pydantic", "ValidationError") + _type("jsonschema.exceptions", "ValidationError")
    return isinstance(error, schemas) and not _passed_host(error)


def _passed_host(error: BaseException) -> bool:
    traceback = error.__traceback__
    while traceback is not None:
        module: str = traceback.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] not in _CHECKERS:
            return True
        traceback = traceback.tb_next
    return False


def _original(error: BaseException) -> BaseException:
    """Return what the host's code raised, from under the SDK's own wrappers."""
    while error.__cause__ is not None and type(error).__module__.partition(".")[0] in _SDKS:
        error = error.__cause__
    return error


def _type(module: str, name: str) -> tuple[type, ...]:
    """Return a class of a module that the host has imported; an empty tuple matches nothing."""
    found = getattr(sys.modules.get(module), name, None)
    return (found,) if isinstance(found, type) else ()
