"""The seams of mcp 1.x where requests leave, and where a client handles what its server asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from wrapt import ObjectProxy

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation import outcomes, peers
from mcp_opentelemetry.instrumentation.protocol import bounded_method, known_version
from mcp_opentelemetry.instrumentation.sent import SentRequests
from mcp_opentelemetry.operations.message import Message
from mcp_opentelemetry.operations.propagation import with_context
from mcp_opentelemetry.operations.semconv import TOOLS_CALL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_opentelemetry.instrumentation.patches import Patches
    from mcp_opentelemetry.operations.operation import Operation, Operations


class ClientSeam:
    """Stands around every request that mcp 1.x sends, whether a client's or a server's.

    Args:
        operations: makes the spans and measurements.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._sent = SentRequests(operations)
        self._versions: WeakKeyDictionary[Any, str | None] = WeakKeyDictionary()

    def install(self, patches: Patches) -> None:
        """Put the seam in, for connections that are open and those to come."""
        peers.watch(patches)
        patches.wrap("mcp.client.session", "ClientSession.__init__", self._connect)
        patches.wrap("mcp.client.session", "ClientSession._received_request", self._handle)
        patches.wrap("mcp.shared.session", "BaseSession.send_request", self._send)
        patches.wrap("mcp.shared.session", "BaseSession.send_notification", _notify)
        patches.wrap("mcp.shared.session", "BaseSession.__aexit__", self._close)

    def _connect(self, wrapped: Callable[..., None], session: Any, args: Any, kwargs: Any) -> None:
        wrapped(*args, **kwargs)
        self._sent.connect(session)

    async def _send(self, wrapped: Callable[..., Awaitable[Any]], session: Any, args: Any, kwargs: Any) -> Any:
        operation = self._begin_sent(session, *args, **kwargs)
        if operation is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*(_with_context(args) or args), **kwargs)
        except BaseException as error:
            self._sent.failed(operation, error)
            raise
        self._end_sent(operation, session, result)
        return result

    @guarded
    def _begin_sent(self, session: Any, request: Any, *_: Any, **__: Any) -> Operation | None:
        if not is_instrumentation_enabled():  # a health check asks another server
            return None
        peer = self._sent.peer(session)
        root: Any = request.root
        params = getattr(root, "params", None)
        name = getattr(params, "name", None)
        message = Message(
            bounded_method(root.method),
            root.method,
            self._sent.target(root.method, name),
            name=name,
            request_id=session._request_id,  # noqa: SLF001 (the next one; nothing is awaited until it is taken)
            protocol_version=self._versions.get(session),
            transport=peer.transport,
            session_id=getattr(peer.source, "session_id", None),
            peer=peer.address,
            arguments=getattr(params, "arguments", None) if root.method == TOOLS_CALL else None,
            is_sent=True,
        )
        if root.method.startswith("resources/"):
            message.resource_uri = str(getattr(params, "uri", ""))
        return self._operations.begin(message)

    @guarded
    def _end_sent(self, operation: Operation, session: Any, result: Any) -> None:
        version = getattr(result, "protocolVersion", None)
        if version is not None:
            self._versions[session] = known_version(version)
        is_error = getattr(result, "isError", False) is True
        self._sent.answered(operation, session, result, version, is_error=is_error)

    async def _handle(self, wrapped: Callable[..., Awaitable[Any]], session: Any, args: Any, kwargs: Any) -> Any:
        operation = self._begin_handled(session, *args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            if operation is not None:
                self._end_handled(operation, error)
            raise
        if operation is not None:
            self._end_handled(operation)
        return result

    @guarded
    def _begin_handled(self, session: Any, responder: Any) -> Operation:
        root = responder.request.root
        peer = self._sent.peer(session)
        message = Message(
            bounded_method(root.method),
            root.method,
            request_id=responder.request_id,
            meta=getattr(responder.request_meta, "model_extra", None),
            protocol_version=self._versions.get(session),
            transport=peer.transport,
            session_id=getattr(peer.source, "session_id", None),
        )
        return self._operations.begin(message)

    @guarded
    def _end_handled(self, operation: Operation, error: BaseException | None = None) -> None:
        if error is not None:
            ended = outcomes.of_exception(error, is_known=True, is_modern=False, is_request=True)
        else:
            ended = outcomes.of_response(operation.response, None, is_known=True, is_request=True)
        self._operations.end(operation, ended)

    def _close(self, wrapped: Callable[..., Awaitable[Any]], session: Any, args: Any, kwargs: Any) -> Awaitable[Any]:
        return self._sent.closing(session, wrapped, args, kwargs)


class _WithContext(ObjectProxy[Any]):
    """A request or notification that goes out with the current span in its `_meta`; the caller's object stays."""

    def model_dump(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        original = cast("Any", self).__wrapped__
        data: dict[str, Any] = original.model_dump(*args, **kwargs)
        params = guarded(with_context)(data.get("params"))
        return {**data, "params": params} if params else data


async def _notify(wrapped: Callable[..., Awaitable[Any]], _session: Any, args: Any, kwargs: Any) -> Any:
    return await wrapped(*(_with_context(args) or args), **kwargs)


@guarded
def _with_context(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return (_WithContext(args[0]), *args[1:]) if args else args
