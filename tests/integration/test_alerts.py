"""Alerts of whole processes: from the condition to the webhook, over the death of the process, and on stdio."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.alerts.sink import Sink, listening
from tests.integration.http_servers import HttpServer
from tests.integration.processes import get, wait_until
from tests.integration.stdio_servers import StdioServer, assert_only_protocol

SERVER = "alarmed.py"


@pytest.fixture
def alarm(tmp_path: Path) -> Path:
    return tmp_path / "alarm"


def settings(alarm: Path, sink: Sink, **more: str) -> dict[str, str]:
    return {
        "ALARM": str(alarm),
        "OTEL_PYTHON_MCP_ALERT_INTERVAL": "100ms",
        "OTEL_PYTHON_MCP_ALERT_DEFAULTS": "false",
        "OTEL_PYTHON_MCP_ALERT_RECEIVERS": f"log,{sink.url('/hook', 'webhook+http')}",
        "OTEL_PYTHON_MCP_ALERT_JOURNAL": str(alarm.parent / "journal"),
        **{f"OTEL_PYTHON_MCP_{name}": value for name, value in more.items()},
    }


def told(server: HttpServer, sink: Sink, times: int) -> None:
    """Return when the webhook has been told so often, and the server knows that it has.

    A process that is killed in between tells it again: at least once is what is promised.
    """
    wait_until(lambda: len(sink.accepted()) == times)
    wait_until(lambda: json.loads(get(f"{server.url}/dashboard")[1])["delivery"]["receivers"][0]["queued"] == 0)


def test_webhook_is_told_once_of_the_beginning_and_once_of_the_end(alarm: Path) -> None:
    with listening() as sink, HttpServer("streamable-http", SERVER, settings=settings(alarm, sink)) as server:
        alarm.touch()
        wait_until(lambda: len(sink.accepted()) == 1)
        (alert,) = json.loads(get(f"{server.url}/dashboard")[1])["alerts"]
        assert (alert["name"], alert["state"], alert["summary"]) == ("alarm", "firing", "it is there")
        assert (
            'mcp_alerts{alertname="alarm",alertstate="firing",severity="critical"} 1.0'
            in get(f"{server.url}/metrics")[1]
        )
        alarm.unlink()
        wait_until(lambda: len(sink.accepted()) == 2)
        ended = server.send_signal(signal.SIGINT)
    assert sink.accepted() == [("alarm", "firing"), ("alarm", "resolved")]
    assert ended.stdout == ""
    assert "alert alarm firing: it is there" in ended.stderr


def test_end_of_an_alert_is_told_by_the_next_process_if_the_first_was_killed(alarm: Path) -> None:
    with listening() as sink:
        alarm.touch()
        with HttpServer("streamable-http", SERVER, settings=settings(alarm, sink)) as server:
            told(server, sink, 1)
            server.send_signal(signal.SIGKILL)
        alarm.unlink()
        with HttpServer("streamable-http", SERVER, settings=settings(alarm, sink)):
            wait_until(lambda: len(sink.accepted()) == 2)
    assert sink.accepted() == [("alarm", "firing"), ("alarm", "resolved")]


def test_alert_that_goes_on_is_not_told_again_by_the_next_process(alarm: Path) -> None:
    with listening() as sink:
        alarm.touch()
        with HttpServer("streamable-http", SERVER, settings=settings(alarm, sink)) as server:
            told(server, sink, 1)
            server.send_signal(signal.SIGKILL)
        with HttpServer("streamable-http", SERVER, settings=settings(alarm, sink)) as server:
            wait_until(lambda: json.loads(get(f"{server.url}/dashboard")[1])["alerts"])
            alarm.unlink()
            wait_until(lambda: len(sink.accepted()) == 2)
    assert sink.accepted() == [("alarm", "firing"), ("alarm", "resolved")]


def test_stdout_stays_the_protocols_on_stdio(alarm: Path) -> None:
    alarm.touch()
    with listening() as sink, StdioServer(SERVER, settings=settings(alarm, sink)) as server:
        assert server.call("add", a=1, b=2)["isError"] is False
        wait_until(lambda: len(sink.accepted()) == 1)
        server.stderr.wait_for(lambda line: line if "alarm" in line else None)
        ended = server.close_stdin()
    assert_only_protocol(ended.stdout, answers=2)
    assert ended.returncode == 0


def test_wrong_rules_and_receivers_keep_no_server_from_starting(alarm: Path) -> None:
    rules = alarm.parent / "rules.yml"
    rules.write_text("groups: [{name: g, rules: [{alert: A, expr: 'rate('}, {alert: B, expr: 'vector(1)'}]}]")
    wrong = {"ALERT_RULES": f"{rules},/nowhere/*.yml", "ALERT_RECEIVERS": "log,nonsense://user:s3cret@x", "SLO": "101"}
    with listening() as sink, HttpServer("streamable-http", SERVER, settings=settings(alarm, sink, **wrong)) as server:
        assert not server.call("add", a=1, b=2).is_error
        wait_until(lambda: json.loads(get(f"{server.url}/dashboard")[1])["alerts"])
        # Whether apprise knows a scheme is found out by the thread that would send there.
        server.stderr.wait_for(lambda line: line if "nonsense" in line else None)
        ended = server.send_signal(signal.SIGINT)
    for part in ("rate(", "/nowhere/*.yml", "nonsense", "OTEL_PYTHON_MCP_SLO", "101"):
        assert part in ended.stderr
    assert "s3cret" not in ended.stderr
