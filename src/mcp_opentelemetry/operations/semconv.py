"""Names of the MCP semantic conventions, which no Python package carries yet.

Source: open-telemetry/semantic-conventions-genai, `docs/gen-ai/mcp.md` (status: Development).
The names of the contract in the README that the conventions do not have stand at the end.
"""

from __future__ import annotations

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"

# Attributes of the conventions.
CLIENT_ADDRESS: Final = "client.address"
CLIENT_PORT: Final = "client.port"
ERROR_TYPE: Final = "error.type"
EXCEPTION_TYPE: Final = "exception.type"
GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
GEN_AI_PROMPT_NAME: Final = "gen_ai.prompt.name"
GEN_AI_TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
GEN_AI_TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"
JSONRPC_REQUEST_ID: Final = "jsonrpc.request.id"
MCP_METHOD_NAME: Final = "mcp.method.name"
MCP_PROTOCOL_VERSION: Final = "mcp.protocol.version"
MCP_RESOURCE_URI: Final = "mcp.resource.uri"
MCP_SESSION_ID: Final = "mcp.session.id"
NETWORK_PROTOCOL_NAME: Final = "network.protocol.name"
NETWORK_PROTOCOL_VERSION: Final = "network.protocol.version"
NETWORK_TRANSPORT: Final = "network.transport"
# Renamed to rpc.status_code in the core conventions 1.45; the MCP conventions have not followed.
RPC_STATUS_CODE: Final = "rpc.response.status_code"

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

# Values of the conventions.
EXECUTE_TOOL: Final = "execute_tool"
OTHER: Final = "_OTHER"
TOOL_ERROR: Final = "tool_error"

TOOLS_CALL: Final = "tools/call"
PROMPTS_GET: Final = "prompts/get"
INITIALIZE: Final = "initialize"

# The well-known values of mcp.method.name, and what MCP 2026-07-28 has added since.
METHODS: Final = frozenset(
    {
        *("initialize", "ping", "server/discover", "logging/setLevel", "completion/complete"),
        *("tools/list", "tools/call", "prompts/list", "prompts/get"),
        *("resources/list", "resources/read", "resources/subscribe", "resources/unsubscribe"),
        *("resources/templates/list", "roots/list", "sampling/createMessage", "elicitation/create"),
        *("subscriptions/listen", "tasks/get", "tasks/update", "tasks/cancel"),
        *("notifications/cancelled", "notifications/initialized", "notifications/message", "notifications/progress"),
        *("notifications/prompts/list_changed", "notifications/resources/list_changed"),
        *("notifications/resources/updated", "notifications/roots/list_changed", "notifications/tools/list_changed"),
        *("notifications/subscriptions/acknowledged", "notifications/tasks"),
    }
)

# A server does not answer for these: parse error, invalid request, unknown method, invalid params,
# unknown resource (semantic-conventions-genai #404).
CALLER_FAULT_CODES: Final = frozenset({-32700, -32600, -32601, -32602, -32002})
INVALID_PARAMS: Final = -32602

# Metrics of the conventions; all four share the boundaries (seconds).
SERVER_OPERATION_DURATION: Final = "mcp.server.operation.duration"
SERVER_SESSION_DURATION: Final = "mcp.server.session.duration"
CLIENT_OPERATION_DURATION: Final = "mcp.client.operation.duration"
CLIENT_SESSION_DURATION: Final = "mcp.client.session.duration"
DURATION_BOUNDARIES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)

# Requests that stay open for as long as the client listens: a duration would say nothing.
LONG_LIVED_METHODS: Final = frozenset({"subscriptions/listen"})

# Our contract: metrics, labels and values beyond the conventions.
MCP_CLIENT_NAME: Final = "mcp.client.name"
REQUESTS: Final = "mcp.requests"
ERRORS: Final = "mcp.errors"
ACTIVE_REQUESTS: Final = "mcp.server.active_requests"
ACTIVE_SESSIONS: Final = "mcp.server.active_sessions"
RESPONSE_SIZE: Final = "mcp.server.response.size"
TOOL: Final = "tool"
STATUS: Final = "status"
ERROR_TYPE_LABEL: Final = "error_type"
CANCELLED: Final = "cancelled"
CONNECTION_CLOSED: Final = "connection_closed"
TIMEOUT: Final = "timeout"
INVALID_ARGUMENTS: Final = "invalid_arguments"
UNKNOWN_TOOL: Final = "unknown_tool"
