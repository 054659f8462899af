"""What all operations of one method, tool, protocol version and transport share, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from mcp_opentelemetry.operations import semconv

if TYPE_CHECKING:
    from mcp_opentelemetry.operations.message import Message
    from mcp_opentelemetry.operations.tallies import Active, Tallies, ToolCalls

_TARGET_ATTRIBUTE = {semconv.TOOLS_CALL: semconv.GEN_AI_TOOL_NAME, semconv.PROMPTS_GET: semconv.GEN_AI_PROMPT_NAME}


class Kind:
    """The constant part of an operation, taken from the first message of the kind.

    Args:
        message: its method, target, version and transport become metric labels, so they must be bounded.
        tallies: where its calls are counted.
    """

    __slots__ = (
        "active",
        "is_measured",
        "is_of_parent",
        "metric_attributes",
        "span_attributes",
        "span_kind",
        "span_name",
        "tool",
    )

    active: Active | None
    tool: ToolCalls | None

    def __init__(self, message: Message, tallies: Tallies) -> None:
        method, target, transport = message.method, message.target, message.transport
        self.span_kind = SpanKind.CLIENT if message.is_sent else SpanKind.SERVER
        self.span_name = f"{method} {target}" if target is not None else method
        self.is_measured = method not in semconv.LONG_LIVED_METHODS
        self.is_of_parent = False
        is_tool_call = method == semconv.TOOLS_CALL
        tool = target if is_tool_call else None
        self.tool = tallies.tool(tool) if tool is not None and not message.is_sent else None
        self.active = tallies.active(method, tool) if message.is_request and not message.is_sent else None

        attributes: dict[str, Any] = {semconv.MCP_METHOD_NAME: method}
        if target is not None:
            attributes[_TARGET_ATTRIBUTE[method]] = target
        if message.protocol_version is not None:
            attributes[semconv.MCP_PROTOCOL_VERSION] = message.protocol_version
        if transport.network is not None:
            attributes[semconv.NETWORK_TRANSPORT] = transport.network
        if message.is_sent and message.peer is not None:
            attributes[semconv.SERVER_ADDRESS], attributes[semconv.SERVER_PORT] = message.peer
        # Every attribute of a measurement is cleaned and hashed once per reader. What follows from the others
        # (the operation name from the method, the application protocol from the transport) goes on the span only.
        self.metric_attributes = attributes
        self.span_attributes = dict(attributes)
        if is_tool_call:
            self.span_attributes[semconv.GEN_AI_OPERATION_NAME] = semconv.EXECUTE_TOOL
        if transport.protocol is not None:
            self.span_attributes[semconv.NETWORK_PROTOCOL_NAME] = transport.protocol
        if transport.version is not None:
            self.span_attributes[semconv.NETWORK_PROTOCOL_VERSION] = transport.version


class Kinds:
    """The kinds of operations that have occurred; bounded, because what tells them apart is.

    Args:
        tallies: where calls are counted.
    """

    def __init__(self, tallies: Tallies) -> None:
        self._tallies = tallies
        self._kinds: dict[tuple[object, ...], Kind] = {}

    def of(self, message: Message) -> Kind:
        """Return the kind of a message."""
        key = (
            message.method,
            message.target,
            message.protocol_version,
            message.transport,
            message.is_request,
            message.peer if message.is_sent else None,
            message.is_sent,
        )
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = Kind(message, self._tallies)
        return kind

    def leave_to_parent(self) -> None:
        """Forget all kinds, in a forked child: operations that have begun already are the parent's, and end there."""
        for kind in self._kinds.values():
            kind.is_of_parent = True
        self._kinds = {}

    def __len__(self) -> int:
        return len(self._kinds)
