"""What mcp 1.x lets nobody see at the seam, noted below it on the operation: responses, exceptions, contexts."""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from opentelemetry.context import get_current

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.operations.client_log import settled
from mcp_opentelemetry.operations.operation import current_operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opentelemetry.context import Context

    from mcp_opentelemetry.instrumentation.patches import Patches
    from mcp_opentelemetry.operations.client_log import ClientLog

_CONTEXT = "mcp_opentelemetry.context"
_noting: WeakSet[Callable[..., Awaitable[Any]]] = WeakSet()


def take_notes(patches: Patches) -> None:
    """Note responses and tools' exceptions, and the context that each HTTP request comes in."""
    patches.wrap("mcp.shared.session", "RequestResponder.respond", _keep_response)
    patches.wrap("mcp.server.lowlevel.server", "Server._make_error_result", _keep_exception)
    for module, path in (
        ("mcp.server.streamable_http", "StreamableHTTPServerTransport.handle_request"),
        ("mcp.server.sse", "SseServerTransport.handle_post_message"),
    ):
        patches.wrap(module, path, _keep_context)


def context_of(scope: Any) -> Context | None:
    """Return the context that an HTTP request came in.

    A handler runs in the task of its session, whose context is that of the session's first request: a span that
    has ended long ago.
    """
    return scope.get(_CONTEXT)


def keep_exceptions(server: Any, request: object) -> None:
    """Note what a server's handler raises, from now on; it does so only inside an operation.

    Args:
        server: a low-level server of mcp 1.x.
        request: a request, by whose type handlers are registered.
    """
    handlers: dict[type, Callable[..., Awaitable[Any]]] = server.request_handlers
    handler = handlers.get(type(request))
    if handler is None or handler in _noting:
        return

    @wraps(handler)
    async def noting(*args: Any, **kwargs: Any) -> Any:
        try:
            return await handler(*args, **kwargs)
        except BaseException as error:
            _note(raised=error)
            raise

    _noting.add(noting)
    handlers[type(request)] = noting


def _keep_response(wrapped: Callable[..., Awaitable[Any]], _responder: Any, args: Any, kwargs: Any) -> Awaitable[Any]:
    _note(response=args[0] if args else kwargs.get("response"))
    operation = current_operation()
    client_log = operation.client_log if operation is not None else None
    return wrapped(*args, **kwargs) if client_log is None else _after(client_log, wrapped, args, kwargs)


async def _after(client_log: ClientLog, wrapped: Callable[..., Awaitable[Any]], args: Any, kwargs: Any) -> Any:
    """Answer when the client has been told of the log: later it no longer listens."""
    await settled(client_log)
    return await wrapped(*args, **kwargs)


def _keep_exception(wrapped: Callable[..., Any], _server: Any, args: Any, kwargs: Any) -> Any:
    # Called inside the handler of the exception that it makes a result of. That of an invalid result is the SDK's.
    is_output = str(args[0] if args else "").startswith("Output validation error")
    _note(raised=None if is_output else sys.exc_info()[1])
    return wrapped(*args, **kwargs)


def _keep_context(wrapped: Callable[..., Awaitable[Any]], _transport: Any, args: Any, kwargs: Any) -> Awaitable[Any]:
    if args:
        args[0][_CONTEXT] = get_current()
    return wrapped(*args, **kwargs)


@guarded
def _note(**facts: Any) -> None:
    operation = current_operation()
    if operation is not None and not operation.message.is_sent:
        for name, value in facts.items():
            setattr(operation, name, value)
