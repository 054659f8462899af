"""One operation: a span, made current while the host works, and the measurements of the same stretch."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, attach, create_key, detach, get_value
from opentelemetry.metrics import get_meter
from opentelemetry.trace import get_tracer, set_span_in_context

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.operations.call_log import CallLog
from mcp_opentelemetry.operations.capture import Capture
from mcp_opentelemetry.operations.failure import mark
from mcp_opentelemetry.operations.measurements import Measurements
from mcp_opentelemetry.operations.outcome import SUCCESS, Outcome
from mcp_opentelemetry.operations.propagation import parent_of
from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from mcp_opentelemetry.operations.client_log import ClientLog
    from mcp_opentelemetry.operations.kind import Kind
    from mcp_opentelemetry.operations.message import Message

_SCOPE: Final = "mcp_opentelemetry"
_CURRENT: Final = create_key("mcp-operation")
# Method, id and URI are the peer's text; nobody needs more of it than this (characters).
_LONGEST: Final = 256
_NOWHERE: Final = Context()


class Operation:
    """One operation in progress.

    `raised`, `response` and `is_known` are filled in from below, where a seam does not see them: the SDKs turn a
    tool's exception into a result, mcp 1.x sends its responses itself, and fastmcp knows which tools it has.
    `client_log` is where the client is told of the log, if it wants that.
    """

    __slots__ = (
        *("context", "kind", "message", "span", "started", "token"),
        *("client_log", "is_known", "raised", "response"),
    )

    raised: BaseException | None
    response: Any
    is_known: bool | None
    client_log: ClientLog | None

    def __init__(self, kind: Kind, message: Message, span: Span, parent: Context) -> None:
        self.kind = kind
        self.message = message
        self.span = span
        self.raised = self.response = self.is_known = self.client_log = None
        self.context = set_span_in_context(span, Context({**parent, _CURRENT: self}))
        self.started = perf_counter()

    def enter(self) -> None:
        """Make the operation and its span current."""
        self.token: Token[Context] = attach(self.context)


@guarded
def current_operation() -> Operation | None:
    """Return the MCP operation that the caller runs in."""
    operation = get_value(_CURRENT)
    return operation if isinstance(operation, Operation) else None


class Operations:
    """Makes spans and measurements of messages, in one process.

    Args:
        capture: what may be recorded beyond names, types, sizes and durations.
        tracer_provider: where spans go; the global one if omitted.
        meter_provider: where measurements go; the global one if omitted.
    """

    def __init__(
        self,
        capture: Capture | None = None,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self.capture = capture or Capture()
        self.log = CallLog()
        self.tells_clients = False
        self.tracer = get_tracer(_SCOPE, __version__, tracer_provider, semconv.SCHEMA_URL)
        self.measurements = Measurements(get_meter(_SCOPE, __version__, meter_provider, semconv.SCHEMA_URL))

    def begin(self, message: Message) -> Operation:
        """Start the span of a message and make it current; `end` must follow in the same context."""
        kind = self.measurements.kinds.of(message)
        parent, links = parent_of(message.meta, message.ambient)
        attributes = self._attributes(kind, message)
        span = self.tracer.start_span(kind.span_name, parent, kind.span_kind, attributes, links)
        operation = Operation(kind, message, span, parent)
        self.measurements.started(kind)
        operation.enter()  # last: if anything before it fails, there is nothing to undo
        if not message.is_sent:
            self.log.started(kind)
        return operation

    def learn(self, operation: Operation) -> None:
        """Take over what has been written on an operation's message since it began, such as a version agreed on."""
        kind = operation.kind = self.measurements.kinds.of(operation.message)
        if operation.span.is_recording():
            operation.span.update_name(kind.span_name)
            operation.span.set_attributes(kind.span_attributes)

    def end(self, operation: Operation, outcome: Outcome = SUCCESS, result: object = None) -> None:
        """End the span of a message and record its measurements.

        Args:
            operation: what `begin` returned.
            outcome: how it ended.
            result: a tool's result, recorded only where content may be captured.
        """
        if operation.kind.is_of_parent:
            detach(operation.token)
            return
        elapsed = perf_counter() - operation.started
        if not operation.message.is_sent:
            self.log.finished(operation.kind, operation.message, elapsed, outcome, result, self.capture)
        detach(operation.token)
        operation.raised = operation.response = None  # breaks the cycle exception, traceback, frame, operation
        message, span = operation.message, operation.span
        self.measurements.finished(operation.kind, message.is_sent, elapsed, outcome, operation.context, result)
        if result is not None and self.capture.content and span.is_recording():
            text = self.capture.text(message.target or semconv.OTHER, result)
            span.set_attribute(semconv.GEN_AI_TOOL_CALL_RESULT, text)
        if outcome is not SUCCESS:
            mark(span, outcome, self.capture)
        span.end()
        operation.context = _NOWHERE  # it holds the operation: garbage that only the collector could free

    def _attributes(self, kind: Kind, message: Message) -> dict[str, Any]:
        attributes: dict[str, Any] = {**kind.span_attributes}
        if message.request_id is not None:
            attributes[semconv.JSONRPC_REQUEST_ID] = str(message.request_id)[:_LONGEST]
        if message.raw_method != message.method:
            attributes[semconv.MCP_METHOD_NAME] = message.raw_method[:_LONGEST]
        if message.session_id is not None:
            attributes[semconv.MCP_SESSION_ID] = message.session_id
        if message.peer is not None and not message.is_sent:
            attributes[semconv.CLIENT_ADDRESS], attributes[semconv.CLIENT_PORT] = message.peer
        if message.resource_uri:
            attributes[semconv.MCP_RESOURCE_URI] = message.resource_uri[:_LONGEST]
        if message.arguments is not None and self.capture.content:
            text = self.capture.text(message.target or semconv.OTHER, message.arguments)
            attributes[semconv.GEN_AI_TOOL_CALL_ARGUMENTS] = text
        return attributes


_operations: Operations | None = None


def get_operations(
    tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
) -> Operations:
    """Return the operations of this process.

    There is one: an instrument cannot be taken back, and a second set of counts would show beside the first.

    Args:
        tracer_provider: where spans go; the global one if omitted. A provider given makes a new set.
        meter_provider: where measurements go; likewise.
    """
    global _operations  # noqa: PLW0603 (what lives once per process has to live somewhere)
    if _operations is None or tracer_provider is not None or meter_provider is not None:
        _operations = Operations(None, tracer_provider, meter_provider)
    return _operations
