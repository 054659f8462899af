"""The requests that leave this process, whichever SDK sends them: one operation each, and the sessions they open."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from anyio import get_cancelled_exc_class

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation import peers
from mcp_opentelemetry.instrumentation.protocol import known_version
from mcp_opentelemetry.operations import outcome
from mcp_opentelemetry.operations.semconv import (
    CONNECTION_CLOSED,
    INITIALIZE,
    OTHER,
    PROMPTS_GET,
    TIMEOUT,
    TOOLS_CALL,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_opentelemetry.operations.message import Message
    from mcp_opentelemetry.operations.operation import Operation, Operations
    from mcp_opentelemetry.operations.outcome import Outcome

# Codes that the SDKs make up on this side: no peer has answered.
_CONNECTION_CLOSED: Final = -32000
_TIMEOUTS: Final = frozenset({-32001, 408})
# A client's tool names come out of a language model: one that has worked once is a tool, as far as these go.
_MOST_NAMES: Final = 1_000


class SentRequests:
    """The requests of all connections of one process.

    A connection is any object of the SDK's that lives as long as a session does.

    Args:
        operations: makes the spans and measurements.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._names: set[str] = set()
        self._peers: WeakKeyDictionary[Any, peers.Peer] = WeakKeyDictionary()
        self._sessions: WeakKeyDictionary[Any, tuple[Message, float]] = WeakKeyDictionary()

    @guarded
    def connect(self, connection: Any) -> None:
        """Take note of where a connection leads that has just been made."""
        self._peers[connection] = peers.take()

    def peer(self, connection: Any) -> peers.Peer:
        """Return where a connection leads."""
        return self._peers.get(connection, peers.NOWHERE)

    def target(self, method: str, name: object) -> str | None:
        """Return the target of a request that is about to be sent; for a name not known to exist `_OTHER`."""
        if method not in {TOOLS_CALL, PROMPTS_GET}:
            return None
        return name if isinstance(name, str) and name in self._names else OTHER

    @guarded
    def answered(self, operation: Operation, connection: Any, result: Any, version: object, *, is_error: bool) -> None:
        """End a request that has its result.

        Args:
            operation: the request.
            connection: what it was sent on.
            result: its result, as the SDK has it.
            version: what an `initialize` request settled on.
            is_error: whether a tool's result is an error.
        """
        message = operation.message
        if message.method == INITIALIZE:
            message.protocol_version = known_version(version)
            self._operations.learn(operation)
            self._sessions[connection] = message, perf_counter()
        elif message.target == OTHER and not is_error and self._prove(message.name):
            message.target = message.name
            self._operations.learn(operation)
        if message.method != TOOLS_CALL:
            self._operations.end(operation)
            return
        self._operations.end(operation, outcome.tool_error() if is_error else outcome.SUCCESS, result)

    @guarded
    def failed(self, operation: Operation, error: BaseException) -> None:
        """End a request that has ended with an exception."""
        self._operations.end(operation, of_exception(error))

    async def closing(
        self, connection: Any, close: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Close a session as the SDK does (`__aexit__`), and record how long it was open."""
        try:
            return await close(*args, **kwargs)
        finally:
            self._closed(connection, args[0] if args else None)

    @guarded
    def _closed(self, connection: Any, error: type[BaseException] | None) -> None:
        opened = self._sessions.pop(connection, None)
        if opened is not None:
            self._operations.measurements.session_ended(*opened, error.__name__ if error is not None else None)

    def _prove(self, name: object) -> bool:
        if isinstance(name, str) and len(self._names) < _MOST_NAMES:
            self._names.add(name)
        return name in self._names


def of_exception(error: BaseException) -> Outcome:
    """Return the outcome of a request that ended with an exception."""
    if isinstance(error, get_cancelled_exc_class()):
        return outcome.cancelled()
    data = getattr(error, "error", None)
    code = getattr(data, "code", None)
    if not isinstance(code, int):
        return outcome.lost(_reason(error))
    if code == _CONNECTION_CLOSED:
        return outcome.lost(CONNECTION_CLOSED)
    if code in _TIMEOUTS and isinstance(error.__context__, TimeoutError):
        return outcome.lost(TIMEOUT)
    return outcome.refused(code, getattr(data, "message", None))


def _reason(error: BaseException) -> str:
    response: Any = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    return str(status) if isinstance(status, int) else outcome.failure_of(error)
