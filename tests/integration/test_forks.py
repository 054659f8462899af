"""Tools that fork: their children count, tell and serve for themselves only."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp.client import Client

from tests.integration.otlp_receiver import http_receiver
from tests.integration.processes import ANNOUNCEMENT, PATIENCE, Process, free_port, get, is_listening, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.integration.otlp_receiver import Receiver

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks")

_NOTHING_IN_BETWEEN = {
    "OTEL_BSP_SCHEDULE_DELAY": "60000",
    "OTEL_BLRP_SCHEDULE_DELAY": "60000",
    "OTEL_METRIC_EXPORT_INTERVAL": "60000",
}


def _call(at: int, tool: str, **arguments: Any) -> str:
    async def call() -> str:
        with anyio.fail_after(PATIENCE):
            async with Client(f"http://127.0.0.1:{at}/mcp") as client:
                return (await client.call_tool(tool, arguments)).content[0].text

    return anyio.run(call)


@contextmanager
def _forking(receiver: Receiver, port: int) -> Generator[Process]:
    settings = receiver.settings | _NOTHING_IN_BETWEEN | {"OTEL_PYTHON_MCP_HTTP_PORT": "0"}
    with Process("forking.py", str(port), settings=settings) as server:
        server.wait_for_port(port)
        yield server


def _own_urls(server: Process) -> list[str]:
    return [match[1] for line in list(server.stderr.lines) if (match := ANNOUNCEMENT.match(line))]


def test_child_counts_from_zero_and_its_parent_goes_on(receiver: Receiver) -> None:
    port = free_port()
    with _forking(receiver, port) as server:
        for _ in range(3):
            _call(port, "add", a=1, b=2)
        child = json.loads(_call(port, "delegate"))
        in_child = receiver.counted_by_instance("mcp.requests", tool="work", status="success")
        assert list(in_child.values()) == [2], "the parent has sent nothing yet"
        assert not [
            name for name in child["threads"] if name.startswith("mcp-opentelemetry-") and "farewell" not in name
        ]
        _call(port, "add", a=1, b=2)
        ended = server.send_signal(signal.SIGTERM)
    added = receiver.counted_by_instance("mcp.requests", tool="add", status="success")
    assert sorted(value for value in added.values() if value) == [4]
    worked = receiver.counted_by_instance("mcp.requests", tool="work", status="success")
    assert sorted(value for value in worked.values() if value) == [2]
    assert len(receiver.instances_of_spans("tools/call add")) == 4
    assert len(receiver.instances_of_spans("execute_tool work")) == 2
    assert len(receiver.instances_with("mcp.build.info")) == 1, "the child serves nothing"
    assert "Traceback" not in ended.stderr


def test_what_a_child_comes_back_from_is_its_parents() -> None:
    port = free_port()
    with http_receiver() as receiver:
        with _forking(receiver, port) as server:
            assert _call(port, "fork_and_come_back") == "7"
            server.send_signal(signal.SIGTERM)
        split = receiver.counted_by_instance("mcp.requests", tool="split", status="success")
        assert sorted(value for value in split.values() if value) == [1]
        assert len(receiver.instances_of_spans("execute_tool split")) == 1
        assert len(receiver.instances_of_spans("tools/call fork_and_come_back")) == 1


def test_child_that_serves_has_a_runtime_of_its_own() -> None:
    port, childs = free_port(), free_port()
    with http_receiver() as receiver:
        with _forking(receiver, port) as server:
            _call(port, "add", a=1, b=2)
            child = int(_call(port, "start_server", port=childs))
            server.wait_for_port(childs)
            for _ in range(2):
                _call(childs, "add", a=1, b=2)
            wait_until(lambda: len(_own_urls(server)) == 2)
            success = 'mcp_requests_total{{status="success",tool="add"}} {}.0'
            for url, count in zip(_own_urls(server), (1, 2), strict=True):
                assert success.format(count) in get(f"{url}/metrics")[1]
                wait_until(lambda url=url: "mcp_event_loop_lag_seconds" in get(f"{url}/metrics")[1])
            assert get(f"http://127.0.0.1:{childs}/metrics")[0] == 200, "it shares its port with nobody"
            os.kill(child, signal.SIGTERM)
            wait_until(lambda: not is_listening(childs))
            wait_until(lambda: len(receiver.instances_with("mcp.requests")) == 1)
            server.send_signal(signal.SIGTERM)
        added = receiver.counted_by_instance("mcp.requests", tool="add", status="success")
        assert sorted(added.values()) == [1, 2]
