"""Session durations: only where the protocol has sessions."""

from __future__ import annotations

import pytest

from tests import connections
from tests.connections import LEGACY, Connect
from tests.servers.tools import make_server
from tests.telemetry import Telemetry
from tests.waiting import eventually_async

pytestmark = pytest.mark.anyio

PROTOCOL = ("network_protocol_name", "http")
HTTP = {"network_transport": "tcp", "network_protocol_name": "http"}
EXPECTED: dict[Connect, dict[str, str] | None] = {
    connections.in_process: None,
    connections.in_memory: {},
    connections.http_modern: None,
    connections.http_legacy: HTTP,
    connections.http_stateless: None,
    connections.sse: HTTP,
}


@pytest.mark.parametrize("connect", connections.ALL, ids=lambda connect: connect.__name__)
async def test_session_has_one_duration_where_the_protocol_has_sessions(telemetry: Telemetry, connect: Connect) -> None:
    async with connect(make_server()) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
        assert not telemetry.values("mcp_server_session_duration_seconds_count")
        expected = EXPECTED[connect]
        active = telemetry.values("mcp_server_active_sessions")
        assert active == ({} if expected is None else {frozenset(expected.items()) - {PROTOCOL}: 1.0})
    # A connection that the server had to cut ends a moment after the server itself.
    await eventually_async(lambda: not sum(telemetry.values("mcp_server_active_sessions").values()))
    series = {} if expected is None else {frozenset({**expected, "mcp_protocol_version": LEGACY}.items()): 1.0}
    assert telemetry.values("mcp_server_session_duration_seconds_count") == series
