"""What is known of the call that a record is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from mcp_opentelemetry.logs.line import Trace
from mcp_opentelemetry.logs.plain import shown
from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.operations.operation import current_operation

if TYPE_CHECKING:
    from mcp_opentelemetry.logs.line import Plain

_LONGEST: Final = 256  # characters of what the peer has chosen
_TARGETS: Final = {semconv.TOOLS_CALL: semconv.GEN_AI_TOOL_NAME, semconv.PROMPTS_GET: semconv.GEN_AI_PROMPT_NAME}


def current_trace() -> Trace | None:
    """Return the ids of the current span."""
    span = get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return Trace(format_trace_id(span.trace_id), format_span_id(span.span_id), f"{span.trace_flags:02x}")


def current_call() -> dict[str, Plain]:
    """Return the method, tool, request and client of the MCP request that is being handled."""
    operation = current_operation()
    if operation is None or operation.message.is_sent:
        return {}
    message = operation.message
    fields: dict[str, Plain] = {semconv.MCP_METHOD_NAME: message.method}
    if message.target is not None:
        # As it was sent: which one was unknown is what one wants to read, and here it makes no series.
        fields[_TARGETS[message.method]] = shown(message.name or message.target)[:_LONGEST]
    if message.request_id is not None:
        fields[semconv.JSONRPC_REQUEST_ID] = shown(message.request_id)[:_LONGEST]
    if message.client is not None:
        fields[semconv.MCP_CLIENT_NAME] = shown(message.client)[:_LONGEST]
    return fields
