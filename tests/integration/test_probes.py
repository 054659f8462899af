"""Probes leave no traces where nothing is wrong: not in uvicorn's access log, nor as spans."""

from __future__ import annotations

import re
import signal

import pytest

from tests.integration.holds import HELD, Holds, comes_to, probe
from tests.integration.http_servers import HttpServer
from tests.integration.otlp_receiver import grpc_receiver
from tests.integration.processes import Ended, get, wait_until

_PROBES = ("health", "livez", "readyz", "metrics")


def _requests(ended: Ended) -> list[str]:
    """Return method and path of what uvicorn has logged."""
    return re.findall(r'"(\w+ \S+) HTTP/1\.1" \d+', ended.stdout + ended.stderr)


@pytest.mark.parametrize("kind", ["streamable-http", "sse"])
def test_access_log_has_no_line_for_probes_that_are_well(kind: str, holds: Holds) -> None:
    with HttpServer(kind, HELD, settings=holds.settings | {"CHECKS": "store"}) as server:
        own = server.announced_url()  # whose answers are in no log
        comes_to(f"{own}/readyz", 200, "ok")
        for name in _PROBES:
            assert get(f"{server.url}/{name}")[0] == 200
        holds.hold("database")
        comes_to(f"{own}/readyz", 503, "unhealthy")
        assert get(f"{server.url}/readyz")[0] == 503
        assert get(f"{server.url}/mine/health")[0] == 200
        assert get(f"{server.url}/nowhere")[0] == 404
        ended = server.send_signal(signal.SIGTERM)
    assert _requests(ended) == ["GET /readyz", "GET /mine/health", "GET /nowhere"]


@pytest.mark.parametrize(
    ("excluded", "probes"),
    [({}, set()), ({"OTEL_PYTHON_EXCLUDED_URLS": "/mcp"}, {f"GET /{name}" for name in _PROBES})],
    ids=["by default", "where the user has said what to exclude"],
)
def test_probes_are_no_spans_of_the_web_framework(excluded: dict[str, str], probes: set[str]) -> None:
    with grpc_receiver() as receiver:
        with HttpServer("uvicorn traced:app", settings=receiver.settings | excluded) as server:
            for name in _PROBES:
                assert get(f"{server.url}/{name}")[0] == 200
            server.call("add", a=1, b=2)
            server.send_signal(signal.SIGTERM)
        names = {name for name in receiver.span_names() if name.startswith(("GET", "POST"))}
    assert {name for name in names if " /" in name and not name.endswith(("send", "receive"))} - {"POST /mcp"} == probes
    assert any(name.startswith("POST /mcp") for name in names) is not bool(excluded), "the middleware is there"


def test_checks_are_no_spans(holds: Holds) -> None:
    """Not even those that ask another MCP server whether it is well."""
    with grpc_receiver() as receiver, HttpServer("streamable-http", instrumented=False) as peer:
        settings = holds.settings | receiver.settings | {"CHECKS": "peer,quiet", "PEER": f"{peer.url}/mcp"}
        with HttpServer("streamable-http", HELD, settings=settings) as server:
            wait_until(lambda: probe(f"{server.url}/health")[1]["checks"]["peer"]["status"] == "healthy")
            wait_until(lambda: probe(f"{server.url}/health")[1]["checks"]["quiet"]["status"] == "healthy")
            server.call("add", a=1, b=2)
            server.send_signal(signal.SIGTERM)
        assert receiver.span_names().count("tools/call add") == 1
        assert receiver.counted("mcp.requests", tool="add", status="success") == 1
