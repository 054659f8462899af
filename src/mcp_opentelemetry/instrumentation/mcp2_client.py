"""The seams of mcp 2.x where requests leave, and where a client handles what its server asks of it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import NonRecordingSpan

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation import outcomes, peers
from mcp_opentelemetry.instrumentation.protocol import bounded_method, known_version
from mcp_opentelemetry.instrumentation.sent import SentRequests
from mcp_opentelemetry.operations import outcome
from mcp_opentelemetry.operations.message import Message
from mcp_opentelemetry.operations.operation import current_operation
from mcp_opentelemetry.operations.propagation import with_context
from mcp_opentelemetry.operations.semconv import INITIALIZE, JSONRPC_REQUEST_ID, TOOLS_CALL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mcp_opentelemetry.instrumentation.patches import Patches
    from mcp_opentelemetry.operations.operation import Operation, Operations

_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_VERSION_HEADER = "mcp-protocol-version"


class ClientSeam:
    """Stands around every request that mcp 2.x sends, whether a client's or a server's.

    Args:
        operations: makes the spans and measurements.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._sent = SentRequests(operations)

    def install(self, patches: Patches) -> None:
        """Put the seam in, for connections that are open and those to come."""
        peers.watch(patches)
        jsonrpc, direct = "mcp.shared.jsonrpc_dispatcher", "mcp.shared.direct_dispatcher"
        patches.wrap(jsonrpc, "JSONRPCDispatcher.__init__", self._connect)
        patches.wrap(jsonrpc, "JSONRPCDispatcher.send_raw_request", self._send)
        patches.wrap(jsonrpc, "JSONRPCDispatcher.notify", _notify)
        patches.wrap(jsonrpc, "otel_span", _replace_native)
        patches.wrap(direct, "DirectDispatcher.send_raw_request", self._send)
        patches.wrap(direct, "DirectDispatcher.notify", _notify)
        patches.wrap("mcp.client.session", "ClientSession._on_request", self._handle)
        patches.wrap("mcp.client.session", "ClientSession.__aexit__", self._close)

    def _connect(self, wrapped: Callable[..., None], dispatcher: Any, args: Any, kwargs: Any) -> None:
        wrapped(*args, **kwargs)
        self._sent.connect(dispatcher)

    async def _send(self, wrapped: Callable[..., Awaitable[Any]], dispatcher: Any, args: Any, kwargs: Any) -> Any:
        operation = self._begin_sent(dispatcher, *args, **kwargs)
        if operation is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*(_with_context(args) or args), **kwargs)
        except BaseException as error:
            self._sent.failed(operation, error)
            raise
        self._end_sent(operation, dispatcher, result)
        return result

    @guarded
    def _begin_sent(self, dispatcher: Any, method: str, params: Any, opts: Any = None, **_: Any) -> Operation | None:
        if not is_instrumentation_enabled():  # a health check asks another server
            return None
        peer = self._sent.peer(dispatcher)
        params = cast("Mapping[str, Any]", params or {})
        message = Message(
            bounded_method(method),
            method,
            self._sent.target(method, params.get("name")),
            protocol_version=known_version(_version(params, opts)) if method != INITIALIZE else None,
            transport=peer.transport,
            session_id=getattr(peer.source, "session_id", None),
            peer=peer.address,
            is_sent=True,
        )
        if method.startswith("resources/") and isinstance(uri := params.get("uri"), str):
            message.resource_uri = uri
        message.name = params.get("name")
        if method == TOOLS_CALL:
            message.arguments = params.get("arguments")
        return self._operations.begin(message)

    @guarded
    def _end_sent(self, operation: Operation, dispatcher: Any, result: dict[str, Any]) -> None:
        is_error = result.get("isError") is True
        self._sent.answered(operation, dispatcher, result, result.get("protocolVersion"), is_error=is_error)

    async def _handle(self, wrapped: Callable[..., Awaitable[Any]], session: Any, args: Any, kwargs: Any) -> Any:
        operation = self._begin_handled(session, *args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            if operation is not None:
                ended = guarded(outcomes.of_exception)(error, is_known=True, is_modern=False, is_request=True)
                guarded(self._operations.end)(operation, ended or outcome.SUCCESS)
            raise
        if operation is not None:
            guarded(self._operations.end)(operation)
        return result

    @guarded
    def _begin_handled(self, session: Any, dctx: Any, method: str, params: Mapping[str, Any] | None) -> Operation:
        peer = self._sent.peer(session._dispatcher)  # noqa: SLF001 (in PRIVATE_NAMES)
        message = Message(
            bounded_method(method),
            method,
            request_id=dctx.request_id,
            meta=(params or {}).get("_meta"),
            protocol_version=known_version(session.protocol_version),
            transport=peer.transport,
            session_id=getattr(peer.source, "session_id", None),
        )
        return self._operations.begin(message)

    def _close(self, wrapped: Callable[..., Awaitable[Any]], session: Any, args: Any, kwargs: Any) -> Awaitable[Any]:
        return self._sent.closing(getattr(session, "_dispatcher", None), wrapped, args, kwargs)


async def _notify(wrapped: Callable[..., Awaitable[Any]], _dispatcher: Any, args: Any, kwargs: Any) -> Any:
    return await wrapped(*(_with_context(args) or args), **kwargs)


@guarded
def _with_context(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments `method, params, ...` with the current span in the parameters' `_meta`."""
    method, params, *rest = args
    # Nothing to say is not said: no parameters at all are different from empty ones to whoever validates them.
    return (method, with_context(params) or params, *rest)


def _replace_native(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    """Let the SDK have our span in place of the one it would make around a request."""
    operation = current_operation()
    if operation is None or not operation.message.is_sent:
        return wrapped(*args, **kwargs)
    _note_request_id(operation, kwargs.get("attributes") or {})
    # What the SDK would write on it, an error's message among that, is ours to decide.
    return nullcontext(NonRecordingSpan(operation.span.get_span_context()))


@guarded
def _note_request_id(operation: Operation, attributes: Mapping[str, str]) -> None:
    operation.span.set_attribute(JSONRPC_REQUEST_ID, attributes[JSONRPC_REQUEST_ID])


def _version(params: Mapping[str, Any], opts: Mapping[str, Any] | None) -> object:
    meta: Mapping[str, object] = params.get("_meta") or {}
    headers: Mapping[str, object] = (opts or {}).get("headers") or {}
    return meta.get(_VERSION_KEY) or headers.get(_VERSION_HEADER)
