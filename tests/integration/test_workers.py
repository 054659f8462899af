"""Several workers behind one port: each tells the truth about itself, and none for the others."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.integration.holds import probe, status_of
from tests.integration.http_servers import FLEETS, GUNICORN, PRELOADED, UVICORN, HttpServer
from tests.integration.otlp_receiver import Receiver, http_receiver
from tests.integration.processes import ANNOUNCEMENT, Process, free_port, get, is_listening, wait_until

if TYPE_CHECKING:
    from pathlib import Path

_CALLS = 12
_BEFORE = 100  # calls that `preloaded.py` makes
_NAME = {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=pod-1"}
_NOTHING_IN_BETWEEN = {
    "OTEL_BSP_SCHEDULE_DELAY": "60000",
    "OTEL_BLRP_SCHEDULE_DELAY": "60000",
    "OTEL_METRIC_EXPORT_INTERVAL": "60000",
}
_RULE = "groups: [{name: here, interval: 1s, rules: [{alert: Here, expr: mcp_build_info}]}]"


def _call(server: HttpServer, times: int = _CALLS) -> None:
    """Call a tool as often, each time as a new client, so that it may reach any worker."""
    for _ in range(times):
        assert not server.call("add", a=1, b=2).is_error


def _own_urls(server: HttpServer) -> list[str]:
    return [match[1] for line in list(server.stderr.lines) if (match := ANNOUNCEMENT.match(line))]


def _requests(metrics: str) -> float:
    counted = (
        line for line in metrics.splitlines() if line.startswith('mcp_requests_total{status="success",tool="add"}')
    )
    return sum(float(line.split()[-1]) for line in counted)


@pytest.mark.parametrize("kind", FLEETS)
def test_workers_deliver_together_what_the_client_has_counted(kind: str, receiver: Receiver) -> None:
    with HttpServer(kind, settings=receiver.settings | _NOTHING_IN_BETWEEN | _NAME) as server:
        server.wait_for_workers(2)
        _call(server)
        assert not receiver.requests
        server.send_signal(signal.SIGTERM)
    counted = receiver.counted_by_instance("mcp.requests", tool="add", status="success")
    spans = receiver.instances_of_spans("tools/call add")
    assert sum(counted.values()) == len(spans) == _CALLS
    assert {instance: spans.count(instance) for instance in counted} == counted
    workers = receiver.instances_with("mcp.build.info")
    assert len(workers) == 2, "neither one for both, nor one for their supervisor"
    assert counted.keys() <= workers
    assert all(instance.startswith("pod-1-") for instance in workers)


@pytest.mark.parametrize("kind", FLEETS)
def test_workers_that_nobody_has_named_have_names_of_their_own(kind: str) -> None:
    with http_receiver() as receiver, HttpServer(kind, settings=receiver.settings | _NOTHING_IN_BETWEEN) as server:
        server.wait_for_workers(2)
        server.send_signal(signal.SIGTERM)
    assert len(receiver.instances_with("mcp.build.info")) == 2


def test_script_that_starts_workers_serves_nothing_itself(receiver: Receiver) -> None:
    port = free_port()
    with Process("run_workers.py", str(port), settings=receiver.settings | _NOTHING_IN_BETWEEN) as server:
        wait_until(lambda: sum("Application startup complete" in line for line in server.stderr.lines) == 2)
        server.send_signal(signal.SIGTERM)
    assert len(receiver.instances_with("mcp.build.info")) == 2
    names = {
        pair.value.string_value
        for part in receiver.resource_metrics
        for pair in part.resource.attributes
        if pair.key == "service.name"
    }
    assert names == {"run_workers"}


@pytest.mark.parametrize("kind", FLEETS)
def test_one_worker_of_several_does_not_answer_for_all(kind: str) -> None:
    with HttpServer(kind) as server:
        server.wait_for_workers(2)
        _call(server, 1)
        for _ in range(4):  # whichever is asked
            status, refusal = probe(f"{server.url}/metrics")
            assert status == 503
            assert "one of 2 workers" in refusal["error"]
            assert "OTEL_EXPORTER_OTLP_ENDPOINT" in refusal["error"]
            assert "OTEL_PYTHON_MCP_HTTP_PORT=0" in refusal["error"]
            for path in ("livez", "readyz", "health"):
                assert get(f"{server.url}/{path}")[0] == 200
        status, numbers = probe(f"{server.url}/dashboard")
        assert (status, numbers["worker"]["of"]) == (200, 2)
        status, page = get(f"{server.url}/dashboard", accept="text/html")
        assert status == 200
        assert "alone: one of 2 workers" in page


@pytest.mark.parametrize("kind", FLEETS)
def test_each_worker_answers_for_itself_on_a_port_of_its_own(kind: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(_RULE)
    settings = {"OTEL_PYTHON_MCP_HTTP_PORT": "0", "OTEL_PYTHON_MCP_ALERT_RULES": str(tmp_path / "rules.yml")}
    with HttpServer(kind, settings=settings) as server:
        wait_until(lambda: len(_own_urls(server)) == 2)
        server.wait_for_workers(2)
        _call(server)
        scrapes = [get(f"{url}/metrics") for url in _own_urls(server)]
        assert [status for status, _ in scrapes] == [200, 200]
        assert sum(_requests(body) for _, body in scrapes) == _CALLS
        instances = set()
        for url, (_, body) in zip(_own_urls(server), scrapes, strict=True):
            wait_until(lambda url=url: probe(f"{url}/dashboard")[1]["alerts"])
            numbers = probe(f"{url}/dashboard")[1]
            instance = numbers["process"]["instance"]
            assert f'service_instance_id="{instance}"' in body
            assert {alert["labels"]["instance"] for alert in numbers["alerts"]} == {instance}
            instances.add(instance)
        assert len(instances) == 2


@pytest.mark.parametrize("kind", FLEETS)
@pytest.mark.parametrize("how", ["OTEL_PYTHON_MCP_HTTP_PORT", "OTEL_EXPORTER_PROMETHEUS_PORT"])
def test_workers_that_want_one_port_all_serve_and_it_answers_for_none(kind: str, how: str) -> None:
    port = free_port()
    settings = {how: str(port)} | ({"OTEL_METRICS_EXPORTER": "prometheus"} if "PROMETHEUS" in how else {})
    with HttpServer(kind, settings=settings) as server:
        server.wait_for_workers(2)
        server.stderr.wait_for(lambda line: True if "cannot listen on" in line else None)
        wait_until(lambda: is_listening(port))
        _call(server, 2)
        own = f"http://127.0.0.1:{port}"
        assert status_of(f"{own}/livez") == (200, "ok")
        status, refusal = probe(f"{own}/metrics")
        assert status == 503
        assert "one of 2 workers" in refusal["error"]
        ended = server.send_signal(signal.SIGTERM)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("kind", [f"{UVICORN} --reload", GUNICORN.replace("--workers 2", "--workers 1")])
def test_one_worker_of_one_answers(kind: str) -> None:
    with HttpServer(kind) as server:
        server.wait_for_workers(1)
        _call(server, 3)
        status, metrics = get(f"{server.url}/metrics")
        assert (status, _requests(metrics)) == (200, 3)
        assert probe(f"{server.url}/dashboard")[1]["worker"] is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows who shares a socket")
def test_workers_without_a_supervisor_that_says_so_are_seen() -> None:
    port = free_port()
    with Process("preforked.py", str(port)) as server:
        wait_until(lambda: sum("Application startup complete" in line for line in server.stderr.lines) == 2)
        status, refusal = probe(f"http://127.0.0.1:{port}/metrics")
        assert status == 503
        assert "one of 2 workers" in refusal["error"]


@pytest.mark.parametrize("kind", FLEETS)
def test_supervisor_has_no_thread_port_or_file_of_ours(kind: str, tmp_path: Path) -> None:
    settings = {
        "OTEL_PYTHON_MCP_HTTP_PORT": "0",
        "OTEL_PYTHON_MCP_ALERT_RECEIVERS": f"webhook+http://127.0.0.1:{free_port()}",
        "OTEL_PYTHON_MCP_ALERT_JOURNAL": str(tmp_path),
    }
    with HttpServer(kind, settings=settings) as server, HttpServer(kind, instrumented=False) as bare:
        wait_until(lambda: len(_own_urls(server)) == 2 and len(list(tmp_path.glob("*.db"))) == 2)
        server.wait_for_workers(2)
        bare.wait_for_workers(2)
        supervisor, bare_supervisor = psutil.Process(server.pid), psutil.Process(bare.pid)
        assert supervisor.num_threads() == bare_supervisor.num_threads()
        assert len(supervisor.net_connections()) == len(bare_supervisor.net_connections())
        assert not [file for file in supervisor.open_files() if file.path.startswith(str(tmp_path))]


def test_what_was_counted_before_the_fork_is_told_once() -> None:
    kind = PRELOADED.replace("asgi_app", "preloaded")
    with http_receiver() as receiver, HttpServer(kind, settings=receiver.settings | _NOTHING_IN_BETWEEN) as server:
        server.wait_for_workers(2)
        _call(server)
        ended = server.send_signal(signal.SIGTERM)
    prepared = receiver.counted_by_instance("mcp.requests", tool="prepare", status="success")
    assert sorted(value for value in prepared.values() if value) == [_BEFORE]
    assert sum(receiver.counted_by_instance("mcp.requests", tool="add", status="success").values()) == _CALLS
    assert "Traceback" not in ended.stderr


def test_health_beat_and_window_work_in_workers_of_a_preloaded_app() -> None:
    with HttpServer(PRELOADED, settings={"OTEL_PYTHON_MCP_HTTP_PORT": "0"}) as server:
        wait_until(lambda: len(_own_urls(server)) == 2)
        _call(server)
        for url in _own_urls(server):
            wait_until(lambda url=url: "mcp_event_loop_lag_seconds" in get(f"{url}/metrics")[1])
            wait_until(lambda url=url: "process_uptime_seconds" in get(f"{url}/metrics")[1])
            checks = json.loads(get(f"{url}/health")[1])["checks"]
            assert {"memory", "disk", "event_loop"} <= checks.keys()
        numbers = [probe(f"{url}/dashboard")[1] for url in _own_urls(server)]
        counts = [tool["response_stats"]["count"] for part in numbers for tool in part["by_tool"].values()]
        assert sum(counts) == _CALLS
        assert {part["health"]["phase"] for part in numbers} == {"ready"}
