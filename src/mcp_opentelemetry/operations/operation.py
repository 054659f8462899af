"""One operation: a span, made current while the host works, and the measurements of the same stretch."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, attach, create_key, detach, get_value, set_value
from opentelemetry.metrics import get_meter
from opentelemetry.trace import SpanKind, get_tracer, set_span_in_context

from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.operations.capture import Capture
from mcp_opentelemetry.operations.failure import mark
from mcp_opentelemetry.operations.kind import Kind
from mcp_opentelemetry.operations.message import Message
from mcp_opentelemetry.operations.outcome import SUCCESS, Outcome
from mcp_opentelemetry.operations.propagation import parent_of
from mcp_opentelemetry.operations.tallies import Tallies
from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from mcp_opentelemetry.operations.message import Transport

_SCOPE: Final = "mcp_opentelemetry"
_CURRENT: Final = create_key("mcp-operation")
# A context without a span: a measurement in it carries no exemplar. It must not be empty, which the SDK
# takes for "none given" and replaces by the current one.
_NO_EXEMPLAR: Final = Context({_CURRENT: None})
# An exemplar costs as much as two attributes: take one from each failure and each slow call, else one a second.
_EXEMPLAR_INTERVAL: Final = 1.0
_SLOW: Final = 1.0
# Method, id and URI are the client's text; nobody needs more of it than this (characters).
_LONGEST: Final = 256


class Operation:
    """One operation in progress.

    `raised` is filled in from below: the SDKs turn a tool's exception into a result before a seam sees it.
    """

    __slots__ = ("context", "kind", "message", "raised", "span", "started", "token")

    raised: BaseException | None

    def __init__(self, kind: Kind, message: Message, span: Span, parent: Context) -> None:
        self.kind = kind
        self.message = message
        self.span = span
        self.raised = None
        self.context = set_span_in_context(span, set_value(_CURRENT, self, parent))
        self.started = perf_counter()

    def enter(self) -> None:
        """Make the operation and its span current."""
        self.token: Token[Context] = attach(self.context)


def current_operation() -> Operation | None:
    """Return the MCP operation that the caller runs in."""
    operation = get_value(_CURRENT)
    return operation if isinstance(operation, Operation) else None


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


class Operations:
    """Makes spans and measurements of handled messages, in one process.

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
        self.tracer = get_tracer(_SCOPE, __version__, tracer_provider, semconv.SCHEMA_URL)
        meter: Meter = get_meter(_SCOPE, __version__, meter_provider, semconv.SCHEMA_URL)
        self.tallies = Tallies(meter)
        boundaries = list(semconv.DURATION_BOUNDARIES)
        self._duration = meter.create_histogram(
            semconv.SERVER_OPERATION_DURATION,
            "s",
            "Time from receiving a request or notification to having its result.",
            explicit_bucket_boundaries_advisory=boundaries,
        )
        self._session_duration = meter.create_histogram(
            semconv.SERVER_SESSION_DURATION,
            "s",
            "Time from a session's initialization to its end.",
            explicit_bucket_boundaries_advisory=boundaries,
        )
        self._kinds: dict[tuple[str, str | None, str | None, Transport, bool], Kind] = {}
        self._next_exemplar = 0.0

    def begin(self, message: Message) -> Operation:
        """Start the span of a message and make it current; `end` must follow in the same context."""
        kind = self._kind(message, message.protocol_version)
        attributes: dict[str, Any] = {**kind.span_attributes}
        if message.request_id is not None:
            attributes[semconv.JSONRPC_REQUEST_ID] = str(message.request_id)[:_LONGEST]
        if message.raw_method != message.method:
            attributes[semconv.MCP_METHOD_NAME] = message.raw_method[:_LONGEST]
        if message.session_id is not None:
            attributes[semconv.MCP_SESSION_ID] = message.session_id
        if message.client is not None:
            attributes[semconv.CLIENT_ADDRESS], attributes[semconv.CLIENT_PORT] = message.client
        if message.resource_uri is not None:
            attributes[semconv.MCP_RESOURCE_URI] = message.resource_uri[:_LONGEST]
        if message.arguments is not None and self.capture.content:
            tool = message.target or semconv.OTHER
            attributes[semconv.GEN_AI_TOOL_CALL_ARGUMENTS] = self.capture.text(tool, message.arguments)
        parent, links = parent_of(message.meta)
        span = self.tracer.start_span(kind.span_name, parent, SpanKind.SERVER, attributes, links)
        operation = Operation(kind, message, span, parent)
        if kind.active is not None:
            self.tallies.started(kind.active)
        operation.enter()  # last: if anything before it fails, there is nothing to undo
        return operation

    def end(
        self,
        operation: Operation,
        outcome: Outcome = SUCCESS,
        *,
        result: object = None,
        protocol_version: str | None = None,
    ) -> None:
        """End the span of a message and record its measurements.

        Args:
            operation: what `begin` returned.
            outcome: how it ended.
            result: a tool's result, recorded only where content may be captured.
            protocol_version: what an `initialize` request settled on.
        """
        detach(operation.token)
        elapsed = perf_counter() - operation.started
        operation.raised = None  # breaks the cycle exception, traceback, frame, operation
        kind, span = operation.kind, operation.span
        self.tallies.finished(kind.active, kind.tool, outcome.failure)
        if protocol_version is not None:
            kind = self._kind(operation.message, protocol_version)
            span.set_attribute(semconv.MCP_PROTOCOL_VERSION, protocol_version)
        if result is not None and self.capture.content and span.is_recording():
            tool = operation.message.target or semconv.OTHER
            span.set_attribute(semconv.GEN_AI_TOOL_CALL_RESULT, self.capture.text(tool, result))
        attributes = kind.metric_attributes
        if outcome is not SUCCESS:
            attributes = {**attributes, **outcome.attributes()}
            mark(span, outcome, self.capture)
        if kind.is_measured:
            self._duration.record(elapsed, attributes, self._exemplar(operation.context, elapsed, outcome))
        span.end()

    def session_ended(self, started: float, protocol_version: str | None, transport: Transport) -> None:
        """Record the length of a session.

        Args:
            started: `time.perf_counter()` at its initialization.
            protocol_version: what it settled on.
            transport: how its messages travelled.
        """
        attributes = {
            semconv.MCP_PROTOCOL_VERSION: protocol_version,
            semconv.NETWORK_TRANSPORT: transport.network,
            semconv.NETWORK_PROTOCOL_NAME: transport.protocol,
        }
        known = {name: value for name, value in attributes.items() if value is not None}
        self._session_duration.record(perf_counter() - started, known)

    def kind_of_function(self, name: str) -> Kind:
        """Return what the calls of a tool function outside MCP have in common."""
        return self._kind(Message(semconv.TOOLS_CALL, semconv.TOOLS_CALL, name), None)

    def record_call(self, kind: Kind, elapsed: float, context: Context, outcome: Outcome) -> None:
        """Record a tool call that was no MCP message.

        Args:
            kind: the calls that it belongs to.
            elapsed: seconds.
            context: the context of its span.
            outcome: how it ended.
        """
        self.tallies.finished(kind.active, kind.tool, outcome.failure)
        attributes = {**kind.metric_attributes, **outcome.attributes()}
        self._duration.record(elapsed, attributes, self._exemplar(context, elapsed, outcome))

    def _kind(self, message: Message, protocol_version: str | None) -> Kind:
        notification = message.request_id is None
        key = (message.method, message.target, protocol_version, message.transport, notification)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = Kind(self.tallies, *key[:4], notification=notification)
        return kind

    def _exemplar(self, context: Context, elapsed: float, outcome: Outcome) -> Context:
        now = perf_counter()
        if outcome is SUCCESS and elapsed < _SLOW and now < self._next_exemplar:
            return _NO_EXEMPLAR
        self._next_exemplar = now + _EXEMPLAR_INTERVAL
        return context
