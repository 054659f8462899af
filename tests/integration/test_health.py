"""What `/health` says of a real server, and to whom."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import mcp_opentelemetry
from tests.integration.holds import HELD, SECRET, Holds, comes_to, probe, status_of
from tests.integration.http_servers import HttpServer
from tests.integration.otlp_receiver import Receiver
from tests.integration.processes import free_port, get, report, wait_until
from tests.integration.stdio_servers import StdioServer

_SCHEMA = json.loads((Path(mcp_opentelemetry.__file__).parent / "health" / "health.schema.json").read_text())
_KEYS = {"status", "timestamp", "service", "version", "uptime", "system", "checks", "alerts"}
_BUILT_IN = {"memory", "cpu", "disk", "event_loop", "file_descriptors"}
_PROBES = ("health", "readyz", "livez")
_PROXIED = {"x-forwarded-for": "203.0.113.7"}


def _valid(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report that fits the schema."""
    Draft202012Validator(_SCHEMA).validate(report)
    return report


def _sampled(url: str) -> None:
    """Return when the vitals have been taken for the first time: until then nothing is known of them."""
    wait_until(lambda: probe(f"{url}/health")[1]["system"]["memory_usage_percent"] is not None)


def _checks(url: str, status: int = 200) -> dict[str, dict[str, Any]]:
    """Return the checks in a report that came with a status."""
    found, report = probe(f"{url}/health")
    assert found == status, report
    return _valid(report)["checks"]


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(_SCHEMA)
    with pytest.raises(ValueError, match="wonderful"):
        raise ValueError(next(Draft202012Validator(_SCHEMA).iter_errors({"status": "wonderful"})).message)


@pytest.mark.parametrize("kind", ["streamable-http", "sse"])
def test_report_has_what_the_contract_names(kind: str, holds: Holds) -> None:
    with HttpServer(kind, HELD, settings=holds.settings) as server:
        server.call("add", a=1, b=2)
        _sampled(server.url)
        for url in (server.url, server.announced_url()):
            status, report = probe(f"{url}/health")
            assert (status, set(_valid(report))) == (200, _KEYS)
            assert (report["service"], report["version"], report["status"]) == ("held", "1.2.3", "healthy")
            assert set(report["checks"]) >= _BUILT_IN
            assert "exporters" not in report["checks"], "nothing is exported"
            assert {0 <= value <= 100 for key, value in report["system"].items() if key != "scope"} == {True}


def test_stdio_server_reports_the_same_on_its_own_port(holds: Holds) -> None:
    with StdioServer(HELD, settings=holds.settings) as server:
        report = probe(f"{server.announced_url()}/health")[1]
    assert set(_valid(report)) == _KEYS
    assert (report["service"], report["version"]) == ("held", "1.2.3")


def test_strangers_get_the_bare_status(holds: Holds) -> None:
    settings = holds.settings | {"CHECKS": "store", "OTEL_PYTHON_MCP_HTTP_TOKEN": "s3cret"}
    with HttpServer("streamable-http", HELD, settings=settings) as server:
        bearer = {"authorization": "Bearer s3cret"}
        for url in (server.url, server.announced_url()):
            comes_to(f"{url}/health", 200, "healthy")
            for stranger in (_PROXIED, {"host": "evil.example"}, {"authorization": "Bearer wrong"}):
                assert probe(f"{url}/health", **stranger) == (200, {"status": "healthy"})
            assert set(probe(f"{url}/health", **_PROXIED, **bearer)[1]) == _KEYS
            holds.hold("database")
            comes_to(f"{url}/health", 503, "unhealthy")
            assert probe(f"{url}/health", **_PROXIED) == (503, {"status": "unhealthy"})
            assert probe(f"{url}/readyz", **_PROXIED) == (503, {"status": "unhealthy"})
            assert probe(f"{url}/readyz", **_PROXIED, **bearer) == (503, {"status": "unhealthy", "checks": ["store"]})
            holds.let_go("database")


def test_head_says_as_much_as_a_status_can(holds: Holds) -> None:
    with HttpServer("streamable-http", HELD, settings=holds.settings | {"CHECKS": "store"}) as server:
        urls = (server.url, server.announced_url())
        comes_to(f"{urls[0]}/health", 200, "healthy")
        assert {get(f"{url}/{name}", "HEAD") for url in urls for name in _PROBES} == {(200, "")}
        holds.hold("database")
        comes_to(f"{urls[0]}/health", 503, "unhealthy")
        assert {get(f"{url}/{name}", "HEAD") for url in urls for name in ("health", "readyz")} == {(503, "")}
        assert get(f"{urls[0]}/livez", "HEAD") == (200, "")


def test_check_that_matters_takes_the_server_out_and_another_one_does_not(holds: Holds) -> None:
    with HttpServer("streamable-http", HELD, settings=holds.settings | {"CHECKS": "database,exit"}) as server:
        for url in (server.url, server.announced_url()):
            holds.hold("database")
            wait_until(lambda url=url: _checks(url)["database"].get("error") == "ConnectionError")
            wait_until(lambda url=url: _checks(url)["exit"].get("error") == "SystemExit")
            checks = _checks(url)
            assert (checks["database"]["status"], checks["exit"]["status"]) == ("degraded", "degraded")
            assert status_of(f"{url}/health") == (200, "degraded")
            assert status_of(f"{url}/readyz") == (200, "ok")
            holds.let_go("database")
            wait_until(lambda url=url: _checks(url)["database"]["status"] == "healthy")
        assert not server.call("add", a=1, b=2).is_error
    with HttpServer("streamable-http", HELD, settings=holds.settings | {"CHECKS": "store"}) as server:
        holds.hold("database")
        comes_to(f"{server.url}/health", 503, "unhealthy")
        assert _checks(server.url, 503)["store"]["status"] == "unhealthy"
        assert status_of(f"{server.url}/livez") == (200, "ok")
        holds.let_go("database")
        comes_to(f"{server.url}/readyz", 200, "ok")
        stderr = server.stderr.lines
        assert not [line for line in stderr if SECRET in line]


@pytest.mark.parametrize(("capture", "shown"), [("none", False), ("errors", True), ("content", True)])
def test_message_of_a_check_is_shown_only_where_errors_are_captured(capture: str, shown: bool, holds: Holds) -> None:
    settings = holds.settings | {"CHECKS": "database", "OTEL_PYTHON_MCP_CAPTURE": capture}
    holds.hold("database")
    with HttpServer("streamable-http", HELD, settings=settings) as server:
        wait_until(lambda: _checks(server.url)["database"].get("error") == "ConnectionError")
        check = _checks(server.url)["database"]
        stranger = get(f"{server.url}/health", **_PROXIED)[1]
    assert ("message" in check) is shown
    assert "no route to postgres" in check.get("message", "no route to postgres")
    assert "hunter2" not in json.dumps(check)
    assert "postgres" not in stranger


def test_answer_does_not_wait_for_checks_that_hang(holds: Holds) -> None:
    with HttpServer("streamable-http", HELD, settings=holds.settings | {"CHECKS": "answer,driver"}) as server:
        urls = (server.url, server.announced_url())
        for url in (*urls, *urls):
            start = monotonic()
            probe(f"{url}/health")
            seconds = monotonic() - start
            report("/health while every check hangs", seconds)
            assert seconds < 20, "they would hang for ever"
            assert status_of(f"{url}/readyz") == (200, "ok")
        wait_until(lambda: {_checks(urls[1])[name].get("error") for name in ("answer", "driver")} == {"timeout"})
        wait_until(lambda: "stuck_for" in _checks(urls[1])["driver"])
        assert not server.call("add", a=1, b=2).is_error


@pytest.mark.parametrize("where", ["app", "own port"])
def test_many_probes_at_once_run_each_check_once(where: str, holds: Holds) -> None:
    holds.hold("counted")
    with HttpServer("streamable-http", HELD, settings=holds.settings | {"CHECKS": "counted"}) as server:
        url = server.url if where == "app" else server.announced_url()
        # As many again may be closing: our own port takes 64 at a time.
        with ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda _: get(f"{url}/health")[0], range(200)))
        holds.let_go("counted")
        wait_until(lambda: _checks(url)["counted"]["status"] == "healthy")
    assert holds.runs() == 1
    assert answers == [200] * 200


def test_full_memory_is_told_and_takes_no_server_out(holds: Holds) -> None:
    settings = holds.settings | {"OTEL_PYTHON_MCP_HEALTH_MEMORY_LIMIT": "0.0001"}
    with HttpServer("streamable-http", HELD, settings=settings) as server:
        _sampled(server.url)
        for url in (server.url, server.announced_url()):
            memory = _checks(url, 503)["memory"]
            assert (memory["status"], memory["limit"]) == ("unhealthy", 0.0001)
            assert memory["used"] > memory["total"] * 0.0001
            assert status_of(f"{url}/readyz") == (200, "ok")
            assert status_of(f"{url}/livez") == (200, "ok")


def test_collector_that_is_gone_is_told(holds: Holds) -> None:
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        "OTEL_PYTHON_MCP_EXIT_TIMEOUT": "0",
    }
    with HttpServer("streamable-http", HELD, settings=holds.settings | settings) as server:
        server.call("add", a=1, b=2)
        # Spans and metrics have been sent, and each of both has failed or is yet to.
        wait_until(lambda: _checks(server.url).get("exporters", {}).get("status") == "degraded")
        exporters = _checks(server.url)["exporters"]
        assert status_of(f"{server.url}/readyz") == (200, "ok")
        wait_until(lambda: _checks(server.url)["exporters"].get("traces", {}).get("lost", 0) > 0)
        signal = _checks(server.url)["exporters"]["traces"]
    assert signal["last_success_age"] is None
    assert signal["consecutive_failures"] > 0
    assert re.search("traces|metrics", exporters["error"])


def test_collector_that_takes_everything_is_told(receiver: Receiver, holds: Holds) -> None:
    quick = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "500"}
    with StdioServer(HELD, settings=holds.settings | receiver.settings | quick) as server:
        url = server.announced_url()
        server.call("add", a=1, b=2)
        wait_until(lambda: {"traces", "metrics"} <= set(_checks(url).get("exporters", {})))
        exporters = _checks(url)["exporters"]
    assert exporters["status"] == "healthy"
    for name in ("traces", "metrics"):
        assert exporters[name]["last_success_age"] >= 0
        assert (exporters[name]["consecutive_failures"], exporters[name]["lost"]) == (0, 0)
