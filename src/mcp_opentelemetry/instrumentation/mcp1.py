"""The seam of mcp 1.x, and of fastmcp 2 and 3 on top of it: one operation for each message that a server handles."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from opentelemetry.context import Context

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation import mcp1_notes, outcomes, transports
from mcp_opentelemetry.instrumentation.catalog import Catalog, is_framework
from mcp_opentelemetry.instrumentation.client_logs import SET_LEVEL, Wishes
from mcp_opentelemetry.instrumentation.protocol import bounded_method, known_version
from mcp_opentelemetry.operations.message import UNKNOWN_TRANSPORT, Message
from mcp_opentelemetry.operations.semconv import INITIALIZE, OTHER, PROMPTS_GET, TOOLS_CALL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_opentelemetry.instrumentation.patches import Patches
    from mcp_opentelemetry.operations.message import Transport
    from mcp_opentelemetry.operations.operation import Operation, Operations


class ServerSeam:
    """Stands around every message that a server of mcp 1.x handles.

    Args:
        operations: makes the spans and measurements.
        serving: called with each low-level server when its first message arrives.
    """

    def __init__(self, operations: Operations, serving: Callable[[Any], None]) -> None:
        self._operations = operations
        self._serving = serving
        self._catalogs: WeakKeyDictionary[Any, Catalog] = WeakKeyDictionary()
        self._on_stdio: WeakSet[Any] = WeakSet()
        self._on_http: WeakKeyDictionary[Any, Transport] = WeakKeyDictionary()
        self._sessions: WeakKeyDictionary[Any, tuple[Message, float]] = WeakKeyDictionary()
        self._wishes = Wishes()

    def install(self, patches: Patches) -> None:
        """Put the seam in, for the servers that exist and those to come."""
        server, session = "mcp.server.lowlevel.server", "mcp.server.session"
        patches.wrap(server, "Server._handle_message", self._handle)
        patches.wrap(session, "ServerSession.__init__", self._open)
        patches.wrap(session, "ServerSession._received_request", self._receive)
        patches.wrap("mcp.shared.session", "BaseSession.__aexit__", self._close)
        mcp1_notes.take_notes(patches)

    async def _handle(self, wrapped: Callable[..., Awaitable[Any]], server: Any, args: Any, kwargs: Any) -> Any:
        operation = self._begin(server, *args, **kwargs)
        if operation is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            self._end_raised(operation, server, error)
            raise
        self._end(operation, server)
        return result

    async def _receive(self, wrapped: Callable[..., Awaitable[Any]], session: Any, args: Any, kwargs: Any) -> Any:
        """Handle `initialize`, which is answered where it is received; everything else comes by `_handle` later."""
        responder: Any = args[0] if args else None
        if _method(responder) != INITIALIZE:
            return await wrapped(*args, **kwargs)
        operation = self._begin_message(responder, session, Catalog(), None)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            if operation is not None:
                self._end_raised(operation, None, error)
            raise
        if operation is not None:
            self._end_initialize(operation, session)
        return result

    @guarded
    def _begin(self, server: Any, message: Any, session: Any, *_: Any, **__: Any) -> Operation | None:
        catalog = self._catalogs.get(server)
        if catalog is None:
            catalog = self._catalogs[server] = Catalog()
            self._serving(server)
        if _method(message) is None:  # an exception of the transport, or a message of a kind to come
            return None
        request: Any = getattr(message, "request", None)
        if request is not None:
            mcp1_notes.keep_exceptions(server, request.root)
        return self._begin_message(message, session, catalog, server)

    @guarded
    def _begin_message(self, received: Any, session: Any, catalog: Catalog, server: Any) -> Operation | None:
        root = (getattr(received, "request", None) or received).root
        method: str = root.method
        params = getattr(root, "params", None)
        is_request = hasattr(received, "request_id")
        http_request = getattr(getattr(received, "message_metadata", None), "request_context", None)
        message = Message(
            bounded_method(method),
            method,
            catalog.target_of_cache(server, method, getattr(params, "name", None)),
            name=getattr(params, "name", None),
            request_id=received.request_id if is_request else None,
            meta=getattr(getattr(params, "meta", None), "model_extra", None),
            arguments=getattr(params, "arguments", None) if method == TOOLS_CALL else None,
            is_request=is_request,
            client=_client(params if method == INITIALIZE else getattr(session, "_client_params", None)),
        )
        if method != INITIALIZE:
            message.protocol_version = _negotiated(session)
        if method == SET_LEVEL:
            self._wishes.note(session, getattr(params, "level", None))
        if method.startswith("resources/"):
            message.resource_uri = str(getattr(params, "uri", ""))
        self._set_transport(message, session, getattr(http_request, "scope", None))
        operation = self._operations.begin(message)
        if self._operations.tells_clients:
            operation.client_log = self._wishes.log_for(session, session, message.request_id, is_modern=False)
        return operation

    def _set_transport(self, message: Message, session: Any, scope: Any) -> None:
        if scope is not None:
            http = transports.of_http(scope)
            self._on_http[session] = http.transport
            message.transport, message.peer = http.transport, http.client
            message.session_id = http.session_id or http.sse_session_id
            message.ambient = mcp1_notes.context_of(scope) or Context()
        elif session in self._on_http:  # a notification, which brings no request along
            message.transport, message.ambient = self._on_http[session], Context()
        else:
            message.transport = transports.PIPE if session in self._on_stdio else UNKNOWN_TRANSPORT

    @guarded
    def _end(self, operation: Operation, server: Any) -> None:
        message, response = operation.message, operation.response
        catalog = self._catalogs[server]
        result = getattr(response, "root", response)
        catalog.learn(message.method, result)
        if message.method == PROMPTS_GET and not hasattr(result, "code") and is_framework(server, PROMPTS_GET):
            catalog.confirm(PROMPTS_GET, message.name)
        if message.target == OTHER and catalog.target_of_cache(server, message.method, message.name) != OTHER:
            message.target = message.name
            self._operations.learn(operation)
        # A server that lists nothing answers for what it is asked.
        known = message.target != OTHER or not getattr(server, "_tool_cache", None)
        outcome = outcomes.of_response(response, operation.raised, is_known=known, is_request=message.is_request)
        self._operations.end(operation, outcome, result if message.method == TOOLS_CALL else None)

    @guarded
    def _end_raised(self, operation: Operation, server: Any, error: BaseException) -> None:
        is_known = operation.message.target != OTHER
        outcome = outcomes.of_exception(error, is_known=is_known, is_modern=False, is_request=True)
        self._operations.end(operation, outcome)

    @guarded
    def _end_initialize(self, operation: Operation, session: Any) -> None:
        message = operation.message
        message.protocol_version = _negotiated(session)
        self._operations.learn(operation)
        self._operations.end(operation)
        self._sessions[session] = message, perf_counter()
        self._operations.measurements.session_started(message)

    def _open(self, wrapped: Callable[..., None], session: Any, args: Any, kwargs: Any) -> None:
        wrapped(*args, **kwargs)
        self._note_session(session)

    @guarded
    def _note_session(self, session: Any) -> None:
        if transports.take_stdio():
            self._on_stdio.add(session)

    async def _close(self, wrapped: Callable[..., Awaitable[Any]], session: Any, args: Any, kwargs: Any) -> Any:
        try:
            return await wrapped(*args, **kwargs)
        finally:
            self._session_closed(session, args[0] if args else None)

    @guarded
    def _session_closed(self, session: Any, error: type[BaseException] | None) -> None:
        opened = self._sessions.pop(session, None)
        if opened is not None:
            self._operations.measurements.session_ended(*opened, error.__name__ if error is not None else None)


@guarded
def _method(received: Any) -> str | None:
    """Return the method of what a session has received; `None` for anything but a message."""
    root = getattr(getattr(received, "request", None) or received, "root", None)
    return getattr(root, "method", None)


def _client(params: Any) -> str | None:
    """Return what a client calls itself in the parameters of its `initialize`."""
    return getattr(getattr(params, "clientInfo", None), "name", None)


def _negotiated(session: Any) -> str | None:
    """Return the version of a session, which the SDK computes once, answers with, and forgets."""
    wished = getattr(getattr(session, "_client_params", None), "protocolVersion", None)
    if wished is None:
        return None
    versions: Any = sys.modules["mcp.shared.version"]
    types: Any = sys.modules["mcp.types"]
    return known_version(wished if wished in versions.SUPPORTED_PROTOCOL_VERSIONS else types.LATEST_PROTOCOL_VERSION)
