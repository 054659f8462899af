"""Nothing private leaves unless asked for; then it is redacted and bounded."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp.server import MCPServer
from mcp.shared.exceptions import MCPError

from mcp_opentelemetry.operations.capture import Capture
from tests.servers.tools import SECRET, make_server
from tests.telemetry import Telemetry, attributes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


async def _call(capture: Capture, server: MCPServer, tool: str, arguments: dict[str, Any] | None = None) -> Telemetry:
    telemetry = Telemetry(capture)
    with telemetry.instrumented():
        async with Client(server) as client:
            with contextlib.suppress(MCPError):
                await client.call_tool(tool, arguments)
    return telemetry


@pytest.mark.anyio
async def test_errors_adds_messages_and_stack_traces() -> None:
    telemetry = await _call(Capture(errors=True), make_server(), "boom")
    (event,) = telemetry.span().events
    assert event.attributes is not None
    assert SECRET in str(event.attributes["exception.message"])
    assert "Traceback" in str(event.attributes["exception.stacktrace"])
    telemetry = await _call(Capture(errors=True), make_server(), "protocol_error")
    assert telemetry.span().status.description == SECRET


@pytest.mark.anyio
async def test_content_adds_arguments_and_result_as_json() -> None:
    telemetry = await _call(Capture(content=True), make_server(), "add", {"a": 1, "b": 2})
    assert json.loads(attributes(telemetry.span())["gen_ai.tool.call.arguments"]) == {"a": 1, "b": 2}
    result = json.loads(attributes(telemetry.span())["gen_ai.tool.call.result"])
    assert result["structuredContent"] == {"result": 3}


@pytest.mark.anyio
@pytest.mark.parametrize("capture", [Capture(), Capture(errors=True)])
async def test_without_content_no_argument_and_no_result_is_kept(capture: Capture) -> None:
    telemetry = await _call(capture, make_server(), "add", {"a": 31337, "b": 2})
    assert not {name for name in attributes(telemetry.span()) if "gen_ai.tool.call" in name}
    assert "31337" not in telemetry.span().to_json()


@pytest.mark.anyio
async def test_users_hook_decides_what_is_captured() -> None:
    seen: list[tuple[str, object]] = []

    def redact(tool: str, value: object) -> object:
        seen.append((tool, value))
        return "gone"

    telemetry = await _call(Capture(content=True, redact=redact), make_server(), "add", {"a": 1, "b": 2})
    assert attributes(telemetry.span())["gen_ai.tool.call.arguments"] == '"gone"'
    assert [tool for tool, _ in seen] == ["add", "add"]
    assert seen[0][1] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "key", ["password", "PASSWORD", "db_password", "Authorization", "api-key", "X-Api-Key", "accessToken", "set-cookie"]
)
def test_secrets_are_known_by_their_keys(key: str) -> None:
    assert json.loads(Capture().text("tool", {"deep": [{key: "s3cret"}]})) == {"deep": [{key: "[redacted]"}]}


@given(JSON)
def test_any_value_becomes_bounded_text(value: object) -> None:
    assert len(Capture().text("tool", value)) <= 8192


def test_long_value_is_cut_and_says_so() -> None:
    text = Capture().text("tool", "x" * 100_000)
    assert len(text) == 8192
    assert text.endswith("…")


def test_what_json_does_not_know_is_shown_as_text() -> None:
    assert json.loads(Capture().text("tool", {"set": {1}, "bytes": b"b"})) == {"set": "{1}", "bytes": "b'b'"}
