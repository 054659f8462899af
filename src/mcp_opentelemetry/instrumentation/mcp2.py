"""The seam of mcp 2.x: one operation for each message that a server handles, in place of the SDK's own span."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation import outcomes, transports
from mcp_opentelemetry.instrumentation.catalog import LISTS, Catalog, is_framework
from mcp_opentelemetry.instrumentation.client_logs import SET_LEVEL, Wishes
from mcp_opentelemetry.instrumentation.protocol import bounded_method, is_modern, known_version
from mcp_opentelemetry.operations.client_log import settled
from mcp_opentelemetry.operations.message import Message
from mcp_opentelemetry.operations.operation import current_operation
from mcp_opentelemetry.operations.semconv import INITIALIZE, OTHER, PROMPTS_GET, TOOLS_CALL

if TYPE_CHECKING:
    from mcp_opentelemetry.instrumentation.patches import Patches
    from mcp_opentelemetry.operations.operation import Operation, Operations

# mcp's objects are Any throughout: a process that uses no MCP must not import it on our account.
CallNext = Callable[[Any], Awaitable[Any]]
Serving = Callable[[Any], None]

_CLIENT_INFO: Final = "io.modelcontextprotocol/clientInfo"


class ServerSeam:
    """Stands around every message that a server of mcp 2.x handles.

    Args:
        operations: makes the spans and measurements.
        serving: called with each low-level server when its first message arrives.
    """

    def __init__(self, operations: Operations, serving: Serving) -> None:
        self._operations = operations
        self._serving = serving
        self._catalogs: WeakKeyDictionary[Any, Catalog] = WeakKeyDictionary()
        self._shared_catalog = Catalog()
        self._has_runner = True
        self._wishes = Wishes()

    def install(self, patches: Patches) -> None:
        """Put the seam in, for the servers that exist and those to come."""
        patches.wrap(
            "mcp.server.runner", "ServerRunner._compose_server_middleware", self._compose, otherwise=self._lose_runner
        )
        patches.wrap("mcp.server._otel", "OpenTelemetryMiddleware.__call__", self._replace_native)
        patches.wrap("mcp.server.mcpserver.tools.tool_manager", "ToolManager.call_tool", _keep_exception)

    def _compose(self, wrapped: Callable[..., CallNext], runner: Any, args: Any, kwargs: Any) -> CallNext:
        # Called by the SDK for each message, so connections that are open already are covered too.
        return partial(self._handle, getattr(runner, "server", None), wrapped(*args, **kwargs))

    def _replace_native(self, _wrapped: Any, _middleware: Any, args: Any, _kwargs: Any) -> Awaitable[Any]:
        ctx, call_next = args
        return call_next(ctx) if self._has_runner else self._handle(None, call_next, ctx)

    def _lose_runner(self) -> None:
        # A later mcp has moved the private method: the native middleware, one to a server, is the next best seam.
        self._has_runner = False

    async def _handle(self, server: Any, call_next: CallNext, ctx: Any) -> Any:
        operation = self._begin(server, ctx)
        try:
            result = await call_next(ctx)
        except BaseException as error:
            if operation is not None:
                self._end_raised(operation, server, ctx, error)
            raise
        self._end_returned(operation, server, ctx, result)
        if operation is not None and operation.client_log is not None:
            await settled(operation.client_log)  # after the answer the client no longer listens
        return result

    @guarded
    def _begin(self, server: Any, ctx: Any) -> Operation | None:
        catalog = self._catalog(server)
        scope = getattr(ctx.request, "scope", None)
        http = transports.of_http(scope) if scope is not None else None
        method: str = ctx.method
        if http is not None and http.announced not in (None, method):
            # The SDK lists its own tools to check the headers of a call: nobody asked for that.
            return None
        params: Mapping[str, Any] | None = ctx.params
        message = Message(
            bounded_method(method, server, is_request=ctx.request_id is not None),
            method,
            catalog.target(server, method, params),
            name=params.get("name") if params else None,
            request_id=ctx.request_id,
            meta=ctx.meta,
            is_request=ctx.request_id is not None,
            client=_client(ctx),
        )
        if method != INITIALIZE:  # which carries the version only as a wish
            message.protocol_version = known_version(ctx.protocol_version)
        if http is None:
            message.transport = transports.without_http(ctx.session._request_outbound)  # noqa: SLF001 (in PRIVATE_NAMES)
        else:
            message.transport, message.peer = http.transport, http.client
            message.session_id = ctx.session._connection.session_id or http.sse_session_id  # noqa: SLF001 (in PRIVATE_NAMES)
        if params:
            if method.startswith("resources/") and isinstance(uri := params.get("uri"), str):
                message.resource_uri = uri
            elif method == TOOLS_CALL:
                message.arguments = params.get("arguments")
            elif method == SET_LEVEL:
                self._wishes.note(ctx.session._connection, params.get("level"))  # noqa: SLF001 (in PRIVATE_NAMES)
        operation = self._operations.begin(message)
        if self._operations.tells_clients:
            key, modern = ctx.session._connection, is_modern(ctx.protocol_version)  # noqa: SLF001 (in PRIVATE_NAMES)
            operation.client_log = self._wishes.log_for(ctx.session, key, ctx.request_id, is_modern=modern)
        return operation

    @guarded
    def _end_returned(self, operation: Operation | None, server: Any, ctx: Any, result: Any) -> None:
        if ctx.method in LISTS:
            self._catalog(server).learn(ctx.method, result)
        if operation is None:
            return
        method = operation.message.method
        if method == TOOLS_CALL:
            if operation.message.target == OTHER and operation.is_known:
                self._confirm(operation, server)
            is_known = self._is_known(operation, server)
            outcome = outcomes.of_result(result, operation.raised, is_known=is_known)
            self._operations.end(operation, outcome, result)
        elif method == INITIALIZE and isinstance(result, Mapping):
            operation.message.protocol_version = known_version(cast("Mapping[str, Any]", result).get("protocolVersion"))
            self._operations.learn(operation)
            self._operations.end(operation)
            self._session_started(ctx, operation)
        else:
            self._confirm_prompt(operation, server)
            self._operations.end(operation)

    def _confirm_prompt(self, operation: Operation, server: Any) -> None:
        message = operation.message
        if message.method == PROMPTS_GET and message.target == OTHER and is_framework(server, PROMPTS_GET):
            self._confirm(operation, server)

    def _confirm(self, operation: Operation, server: Any) -> None:
        message = operation.message
        if self._catalog(server).confirm(message.method, message.name):
            message.target = message.name
            self._operations.learn(operation)

    @guarded
    def _end_raised(self, operation: Operation, server: Any, ctx: Any, error: BaseException) -> None:
        outcome = outcomes.of_exception(
            error,
            is_known=self._is_known(operation, server),
            is_modern=is_modern(ctx.protocol_version),
            is_request=ctx.request_id is not None,
        )
        self._operations.end(operation, outcome)

    @guarded
    def _session_started(self, ctx: Any, operation: Operation) -> None:
        connection = ctx.session._connection  # noqa: SLF001 (in PRIVATE_NAMES)
        if connection.has_standalone_channel:  # else every request is a connection of its own
            ended = guarded(self._operations.measurements.session_ended)
            connection.exit_stack.callback(ended, operation.message, perf_counter())
            self._operations.measurements.session_started(operation.message)

    def _catalog(self, server: Any) -> Catalog:
        if server is None:
            return self._shared_catalog
        catalog = self._catalogs.get(server)
        if catalog is None:
            catalog = self._catalogs[server] = Catalog()
            self._serving(server)
        return catalog

    def _is_known(self, operation: Operation, server: Any) -> bool:
        message = operation.message
        if operation.is_known is not None:
            return operation.is_known
        return message.target != OTHER or self._catalog(server).knows_nothing(server, message.method)


def _client(ctx: Any) -> str | None:
    """Return what the client calls itself: with each request since MCP 2026-07-28, in its `initialize` before."""
    given: Any = ctx.params if ctx.method == INITIALIZE else ctx.meta
    info: Any = given.get("clientInfo" if ctx.method == INITIALIZE else _CLIENT_INFO) if given else None
    if isinstance(info, Mapping):
        name = cast("Mapping[str, object]", info).get("name")
        return name if isinstance(name, str) else None
    return getattr(getattr(ctx.session.client_params, "client_info", None), "name", None)


async def _keep_exception(wrapped: Callable[..., Awaitable[Any]], _manager: Any, args: Any, kwargs: Any) -> Any:
    """Note what a tool raises before the SDK turns it into a result; the outermost of nested calls counts."""
    operation = current_operation()
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        if operation is not None:
            operation.raised = error
        raise
    if operation is not None:
        operation.raised = None
    return result
