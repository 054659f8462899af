"""A web server starts, answers and ends as it would without us, whatever of ours raises when it starts and stops."""

from __future__ import annotations

import signal

import pytest

from tests.integration.http_servers import HttpServer


@pytest.mark.parametrize(
    "function",
    [
        "health.lifecycle.Lifecycle.starts",
        "health.lifecycle.Lifecycle.started",
        "health.lifecycle.Lifecycle.drains",
        "instrumentation.web_server.WebServers._listen",
        "instrumentation.web_server.WebServers._holds_back",
        "runtime.Runtime.serving",
    ],
)
def test_uvicorn_starts_answers_and_obeys_sigterm_when_a_function_of_ours_raises(function: str) -> None:
    with HttpServer(function, "sabotaged.py", instrumented=False) as server:
        assert not server.call("add", a=1, b=2).is_error
        ended = server.send_signal(signal.SIGTERM)
    assert "sabotage" in ended.stderr, "this scenario does not reach the function, so it proves nothing"
    assert ended.returncode == -signal.SIGTERM
    assert "Application shutdown complete" in ended.stderr
