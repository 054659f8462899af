"""What all operations of one method, tool, protocol version and transport share, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_opentelemetry.operations import semconv

if TYPE_CHECKING:
    from mcp_opentelemetry.operations.message import Transport
    from mcp_opentelemetry.operations.tallies import Active, Tallies, ToolCalls

_TARGET_ATTRIBUTE = {semconv.TOOLS_CALL: semconv.GEN_AI_TOOL_NAME, semconv.PROMPTS_GET: semconv.GEN_AI_PROMPT_NAME}


class Kind:
    """The constant part of an operation; its arguments must be bounded, they become metric labels.

    Args:
        tallies: where its calls are counted.
        method: the JSON-RPC method.
        target: the tool or prompt.
        protocol_version: the MCP protocol version.
        transport: how the message travelled.
        notification: whether it is a notification: nothing is in progress that somebody waits for.
    """

    __slots__ = ("active", "is_measured", "metric_attributes", "span_attributes", "span_name", "tool")

    active: Active | None
    tool: ToolCalls | None

    def __init__(
        self,
        tallies: Tallies,
        method: str,
        target: str | None,
        protocol_version: str | None,
        transport: Transport,
        *,
        notification: bool,
    ) -> None:
        self.span_name = f"{method} {target}" if target is not None else method
        self.is_measured = method not in semconv.LONG_LIVED_METHODS
        is_tool_call = method == semconv.TOOLS_CALL
        tool = target if is_tool_call else None
        self.tool = tallies.tool(tool) if tool is not None else None
        self.active = None if notification else tallies.active(method, tool)

        attributes = {semconv.MCP_METHOD_NAME: method}
        if target is not None:
            attributes[_TARGET_ATTRIBUTE[method]] = target
        if protocol_version is not None:
            attributes[semconv.MCP_PROTOCOL_VERSION] = protocol_version
        if transport.network is not None:
            attributes[semconv.NETWORK_TRANSPORT] = transport.network
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
