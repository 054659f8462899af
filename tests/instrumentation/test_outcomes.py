"""How each way a call can end shows on its span and in the metrics, over every transport."""

from __future__ import annotations

from typing import Any, NamedTuple

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from opentelemetry.trace import StatusCode

from tests import connections
from tests.connections import Connect
from tests.servers.tools import SECRET, Waiting, make_server
from tests.telemetry import Telemetry, attributes
from tests.waiting import DEADLINE

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("connect", connections.ALL, ids=lambda c: c.__name__)]


class Case(NamedTuple):
    """One call and what must come of it; `labels` are those of its series in mcp_errors_total."""

    tool: str
    arguments: dict[str, Any]
    error_type: str | None  # on the span and the duration
    labels: dict[str, str] | None
    exception: str | None = None
    status_code: str | None = None


CASES = [
    Case("add", {"a": 1, "b": 2}, None, None),
    Case("sync_add", {"a": 1, "b": 2}, None, None),
    Case("boom", {}, "tool_error", {"error_type": "KeyError"}, "KeyError"),
    Case("sync_boom", {}, "tool_error", {"error_type": "KeyError"}, "KeyError"),
    Case(
        "deliberate",
        {},
        "tool_error",
        {"error_type": "ToolError"},
        "mcp.server.mcpserver.exceptions.ToolError",
    ),
    Case("returns_error", {}, "tool_error", {"error_type": "tool_error"}),
    Case("add", {"a": SECRET}, "tool_error", {"error_type": "invalid_arguments"}),
    Case(
        "invalid_inside",
        {},
        "tool_error",
        {"error_type": "ValidationError"},
        "pydantic_core._pydantic_core.ValidationError",
    ),
    Case("times_out", {}, "tool_error", {"error_type": "timeout"}, "TimeoutError"),
    Case("no_such_tool", {}, "tool_error", {"error_type": "unknown_tool", "tool": "_OTHER"}),
    Case("protocol_error", {}, "-32050", {"error_type": "-32050"}, status_code="-32050"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.tool}-{(case.labels or {}).get('error_type', 'ok')}")
async def test_call_ends_as_span_request_error_and_duration(telemetry: Telemetry, connect: Connect, case: Case) -> None:
    async with connect(make_server()) as client:
        try:
            await client.call_tool(case.tool, case.arguments)
        except MCPError:
            assert case.status_code is not None

    span = telemetry.span()
    tool = (case.labels or {}).get("tool", case.tool)
    assert span.name == f"tools/call {tool}"
    assert attributes(span).get("error.type") == case.error_type
    assert attributes(span).get("rpc.response.status_code") == case.status_code
    assert span.status.status_code is (StatusCode.UNSET if case.error_type is None else StatusCode.ERROR)
    assert span.status.description is None
    assert [event.attributes for event in span.events] == (
        [{"exception.type": case.exception}] if case.exception else []
    )
    assert SECRET not in span.to_json()

    failed = case.labels is not None
    assert telemetry.value("mcp_requests_total", tool=tool, status="success") == (0 if failed else 1)
    assert telemetry.value("mcp_requests_total", tool=tool, status="error") == (1 if failed else 0)
    expected = {frozenset({"tool": tool, **case.labels}.items()): 1.0} if case.labels else {}
    assert telemetry.values("mcp_errors_total") == expected
    durations = telemetry.values("mcp_server_operation_duration_seconds_count")
    (labels,) = [dict(key) for key in durations if ("mcp_method_name", "tools/call") in key]
    assert labels.get("gen_ai_tool_name") == tool
    assert labels.get("error_type") == case.error_type
    assert labels.get("rpc_response_status_code") == case.status_code
    assert telemetry.value("mcp_server_active_requests", mcp_method_name="tools/call", gen_ai_tool_name=tool) == 0


async def test_cancelled_call_is_an_outcome_of_its_own(telemetry: Telemetry, connect: Connect) -> None:
    waiting = Waiting()
    async with connect(make_server(waiting=waiting)) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, "wait")
        with anyio.fail_after(DEADLINE):
            await waiting.begun.wait()
        assert telemetry.value("mcp_server_active_requests", mcp_method_name="tools/call", gen_ai_tool_name="wait") == 1
        group.cancel_scope.cancel()

    await _assert_cancelled(telemetry)


async def test_call_that_its_client_gives_up_is_cancelled(telemetry: Telemetry, connect: Connect) -> None:
    async with connect(make_server()) as client:
        with pytest.raises(MCPError):
            # Long enough for the call to have come to the server.
            await client.call_tool("wait", read_timeout_seconds=1)
    # Stateless HTTP has no way to tell the server, which then goes on until it stops.
    await _assert_cancelled(telemetry)


async def _assert_cancelled(telemetry: Telemetry) -> None:
    span = await telemetry.ended("tools/call")
    assert attributes(span)["error.type"] == "cancelled"
    assert span.status.status_code is StatusCode.ERROR
    assert telemetry.value("mcp_requests_total", tool="wait", status="error") == 1
    assert telemetry.value("mcp_errors_total", tool="wait", error_type="cancelled") == 1
    assert telemetry.value("mcp_server_active_requests", mcp_method_name="tools/call", gen_ai_tool_name="wait") == 0
