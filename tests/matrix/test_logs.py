"""Logs on every SDK: standard output stays the protocol's, records know their call, and clients are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.matrix.sdk import SECRET
from tests.matrix.test_matrix import PYTHONS
from tests.matrix.test_zero_code import HANDSHAKE, start


class Session:
    """A session with a chatty server on stdio, in raw JSON-RPC.

    Args:
        name: the SDK.
        settings: environment variables.
    """

    def __init__(self, name: str, **settings: str) -> None:
        self._process = start(name, "stdio", module="tests.matrix.chatty", **settings)
        self._id = 0
        self.told: list[Any] = []

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request; returns the answer, and keeps what is told before it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._id += 1
        self._send({"method": method, "params": params, "id": self._id})
        while True:
            message = json.loads(self._process.stdout.readline())
            assert message["jsonrpc"] == "2.0"
            if message.get("id") == self._id:
                return message.get("result")
            if message.get("method") == "notifications/message":
                self.told.append(message["params"])

    def greet(self) -> None:
        """Make the handshake."""
        self.ask("initialize", **HANDSHAKE)
        self._send({"method": "notifications/initialized"})

    def end(self) -> list[str]:
        """End the session; returns the lines on standard error."""
        try:
            out, errors = self._process.communicate(timeout=30)
        finally:
            self._process.kill()
        assert [json.loads(line)["jsonrpc"] for line in out.splitlines()] == ["2.0"] * len(out.splitlines())
        return errors.splitlines()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


def told_text(told: list[Any]) -> list[str]:
    texts = []
    for each in told:
        data = each["data"]
        texts.append(data if isinstance(data, str) else data.get("message") or data["msg"])
    return texts


@pytest.mark.parametrize("name", PYTHONS)
def test_a_chatty_server_logs_each_record_once_with_its_call(name: str) -> None:
    session = Session(name, OTEL_PYTHON_MCP_LOG_FORMAT="otel")
    session.greet()
    for tool in ("chat", "chat_in_thread", "boom"):
        session.ask("tools/call", name=tool, arguments={})
    errors = session.end()
    assert SECRET not in "\n".join(errors)
    assert "hunter2" not in "\n".join(errors)
    records = [json.loads(line) for line in errors if line.startswith("{")]
    by_message = {record["message"]: record for record in records}
    first, second = by_message["first by logging"], by_message["second by context"]
    third, in_thread = by_message["third\nby logging"], by_message["from a function"]
    assert "unheard" not in by_message
    assert sum(record["message"] == "second by context" for record in records) == 1
    assert (first["level"], first["logger"], first["city"]) == ("INFO", "weather", "Oslo")
    assert (second["level"], third["level"]) == ("INFO", "WARNING")
    calls = {
        record["gen_ai.tool.name"]: record
        for record in records
        if record["logger"] == "mcp_opentelemetry.calls" and "gen_ai.tool.name" in record
    }
    for record, tool in ((first, "chat"), (second, "chat"), (third, "chat"), (in_thread, "chat_in_thread")):
        assert record["gen_ai.tool.name"] == tool
        assert record["mcp.client.name"] == "raw"
        assert record["trace_id"] == calls[tool]["trace_id"]
    assert {tool: (call["level"], call["outcome"]) for tool, call in calls.items()} == {
        "chat": ("INFO", "success"),
        "chat_in_thread": ("INFO", "success"),
        "boom": ("ERROR", "KeyError"),
    }


@pytest.mark.parametrize("name", PYTHONS)
def test_a_client_that_asks_is_told_what_its_tool_logs_before_the_answer(name: str) -> None:
    session = Session(name, OTEL_PYTHON_MCP_LOG_TO_CLIENT="info")
    session.greet()
    session.ask("tools/call", name="chat", arguments={})
    assert told_text(session.told) == ["second by context"], "it has not asked for what is logged"
    session.told.clear()
    session.ask("logging/setLevel", level="info")
    session.ask("tools/call", name="chat", arguments={})
    assert sorted(told_text(session.told)) == ["first by logging", "second by context", "third\nby logging"]
    (first,) = [each for each in session.told if isinstance(each["data"], dict) and each["data"].get("message")]
    assert (first["level"], first["logger"]) == ("info", "weather")
    assert first["data"] == {"message": "first by logging", "city": "Oslo", "password": "[redacted]"}
    session.told.clear()
    session.ask("tools/call", name="chat_in_thread", arguments={})
    assert told_text(session.told) == ["from a function"]
    session.told.clear()
    session.ask("logging/setLevel", level="error")
    session.ask("tools/call", name="chat", arguments={})
    assert "first by logging" not in told_text(session.told)
    session.end()
