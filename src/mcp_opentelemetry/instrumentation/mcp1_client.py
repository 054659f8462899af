"""The seams of mcp 1.x where requests leave, and where a client handles what its server asks of it."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from wrapt import ObjectProxy

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation import outcomes, peers, sent
from mcp_opentelemetry.instrumentation.protocol import bounded_method, known_version
from mcp_opentelemetry.operations import outcome
from mcp_opentelemetry.operations.message import Message
from mcp_opentelemetry.operations.propagation import with_context
from mcp_opentelemetry.operations.semconv import INITIALIZE, OTHER, TOOLS_CALL

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
        self._tools = sent.KnownTools()
        self._peers: WeakKeyDictionary[Any, peers.Peer] = WeakKeyDictionary()
        self._versions: WeakKeyDictionary[Any, str | None] = WeakKeyDictionary()
        self._sessions: WeakKeyDictionary[Any, tuple[Message, float]] = WeakKeyDictionary()

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
        self._note_peer(session)

    @guarded
    def _note_peer(self, session: Any) -> None:
        self._peers[session] = peers.take()

    async def _send(self, wrapped: Callable[..., Awaitable[Any]], session: Any, args: Any, kwargs: Any) -> Any:
        operation = self._begin_sent(session, *args, **kwargs)
        if operation is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*_with_context(args), **kwargs)
        except BaseException as error:
            self._end_sent(operation, session, error=error)
            raise
        self._end_sent(operation, session, result)
        return result

    @guarded
    def _begin_sent(self, session: Any, request: Any, *_: Any, **__: Any) -> Operation:
        peer = self._peers.get(session, peers.NOWHERE)
        root: Any = request.root
        params = getattr(root, "params", None)
        name = getattr(params, "name", None)
        message = Message(
            bounded_method(root.method),
            root.method,
            self._tools.target(root.method, name),
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
    def _end_sent(
        self, operation: Operation, session: Any, result: Any = None, error: BaseException | None = None
    ) -> None:
        message = operation.message
        if error is not None:
            self._operations.end(operation, sent.of_exception(error))
            return
        if message.method == INITIALIZE:
            message.protocol_version = self._versions[session] = known_version(getattr(result, "protocolVersion", None))
            self._operations.learn(operation)
            self._sessions[session] = message, perf_counter()
        failed = getattr(result, "isError", False) is True
        if message.target == OTHER and not failed and self._tools.prove(message.name):
            message.target = message.name
            self._operations.learn(operation)
        ended = outcome.tool_error() if failed and message.method == TOOLS_CALL else outcome.SUCCESS
        self._operations.end(operation, ended, result if message.method == TOOLS_CALL else None)

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
        peer = self._peers.get(session, peers.NOWHERE)
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


class _WithContext(ObjectProxy[Any]):
    """A request or notification that goes out with the current span in its `_meta`; the caller's object stays."""

    def model_dump(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        original = cast("Any", self).__wrapped__
        data: dict[str, Any] = original.model_dump(*args, **kwargs)
        params = guarded(with_context)(data.get("params"))
        return {**data, "params": params} if params else data


async def _notify(wrapped: Callable[..., Awaitable[Any]], _session: Any, args: Any, kwargs: Any) -> Any:
    return await wrapped(*_with_context(args), **kwargs)


def _with_context(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return (_WithContext(args[0]), *args[1:]) if args else args
