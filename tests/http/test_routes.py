"""The endpoints, on the MCP app and on a port of our own, asked over real sockets."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from typing import Any

import httpx2
import pytest
from mcp import Client
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from mcp_opentelemetry import __version__
from mcp_opentelemetry.http.server import HttpServer
from tests.http.host import PROXIED, Host, asking
from tests.http_server import served
from tests.integration.processes import free_port
from tests.servers.tools import make_server
from tests.telemetry import Telemetry

pytestmark = pytest.mark.anyio

NAMES = ["health", "livez", "readyz", "metrics"]


@asynccontextmanager
async def _http(app: Any) -> AsyncGenerator[httpx2.AsyncClient]:
    async with served(app) as url, asking(url) as client:
        yield client


@pytest.mark.parametrize("maker", ["streamable_http_app", "sse_app"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_app_answers_beside_its_own_routes(host: Host, maker: str, method: str) -> None:
    host.runtime.attach()
    async with _http(getattr(make_server(), maker)()) as http:
        for name in NAMES:
            response = await http.request(method, f"/{name}")
            assert response.status_code == 200, name
            assert response.headers["cache-control"] == "no-store"
            assert bool(response.content) == (method == "GET")
        assert (await http.post("/metrics")).status_code == 405


async def test_metrics_show_a_call_at_once(host: Host) -> None:
    app = make_server().streamable_http_app()
    async with served(app) as url, Client(f"{url}/mcp") as client, asking(url) as http:
        host.runtime.attach()
        await client.call_tool("boom")
        response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    samples = [sample for family in text_string_to_metric_families(response.text) for sample in family.samples]
    assert ("mcp_errors_total", {"tool": "boom", "error_type": "KeyError"}, 1.0) in [sample[:3] for sample in samples]


async def test_metrics_say_what_runs_before_anything_is_called(host: Host) -> None:
    host.runtime.attach()
    async with _http(make_server().streamable_http_app()) as http:
        before = (await http.get("/metrics")).text
        host.runtime.serving(make_server()._lowlevel_server)
        after = (await http.get("/metrics")).text
    assert f'mcp_build_info{{mcp_sdk="mcp",mcp_sdk_version="{version("mcp")}",server_name="",' in before
    assert f'server_name="tools",server_version="1.2.3",version="{__version__}"}} 1.0' in after


async def test_openmetrics_is_served_to_those_who_ask(host: Host) -> None:
    host.runtime.attach()
    async with _http(make_server().streamable_http_app()) as http:
        response = await http.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


async def test_health_says_who_and_for_how_long(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)
    host.runtime.serving(make_server()._lowlevel_server)
    monkeypatch.setattr("mcp_opentelemetry.runtime.monotonic", lambda: host.runtime._started + 90.0)
    async with _http(make_server().streamable_http_app()) as http:
        report = (await http.get("/health")).json()
    timestamp = datetime.fromisoformat(report.pop("timestamp"))
    assert timestamp.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone.utc) - timestamp) < timedelta(minutes=1)
    identity = {name: report[name] for name in ("status", "service", "version", "uptime")}
    assert identity == {"status": "healthy", "service": "tools", "version": "1.2.3", "uptime": 90.0}


async def test_users_service_name_and_version_go_before_the_servers(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "weather")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,service.version=7")
    host.runtime.serving(make_server()._lowlevel_server)
    assert (host.runtime.service(), host.runtime.version()) == ("weather", "7")


async def test_readiness_follows_the_life_of_the_server(host: Host) -> None:
    async with _http(make_server().streamable_http_app()) as http:
        for begin, said in (
            (host.runtime.monitor.lifecycle.starts, "starting"),
            (host.runtime.monitor.lifecycle.drains, "draining"),
        ):
            begin()
            ready, alive = await http.get("/readyz"), await http.get("/livez")
            assert (ready.status_code, ready.json()) == (503, {"status": said})
            assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
            assert ready.headers["cache-control"] == "no-store"
            host.runtime.monitor.lifecycle.started()
        host.runtime.monitor.lifecycle.starts()
        host.runtime.monitor.lifecycle.started()
        assert (await http.get("/readyz")).status_code == 200, "another server of this process is ready"


@pytest.mark.parametrize("environ", [{"OTEL_PYTHON_MCP_HTTP_PORT": "0"}])
async def test_own_port_leaves_the_access_log_of_the_host_alone(host: Host) -> None:
    handler = logging.NullHandler()
    logger = logging.getLogger("uvicorn.access")
    logger.addHandler(handler)
    try:
        host.runtime.serving(make_server()._lowlevel_server)
        assert handler in logger.handlers
        assert logger.propagate
    finally:
        logger.removeHandler(handler)


async def test_strangers_see_the_bare_status_only(host: Host) -> None:
    async with _http(make_server().streamable_http_app()) as http:
        for name in ("livez", "readyz", "health"):
            for headers in (PROXIED, {"host": "evil.example"}):
                response = await http.get(f"/{name}", headers=headers)
                assert (response.status_code, set(response.json())) == (200, {"status"}), name
        assert (await http.get("/metrics", headers=PROXIED)).status_code == 403
        refused = await http.get("/metrics", headers={"host": "evil.example"})
    assert refused.status_code == 421
    assert "OTEL_PYTHON_MCP_HTTP_TOKEN" in refused.json()["error"]


@pytest.mark.parametrize("environ", [{"OTEL_PYTHON_MCP_HTTP_TOKEN": "s3cret"}])
async def test_token_opens_from_anywhere(host: Host) -> None:
    async with _http(make_server().streamable_http_app()) as http:
        refused = await http.get("/metrics", headers=PROXIED)
        opened = await http.get("/metrics", headers={**PROXIED, "authorization": "Bearer s3cret"})
    assert (refused.status_code, opened.status_code) == (401, 200)
    assert refused.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("environ", [{"OTEL_PYTHON_MCP_ENDPOINTS": "livez"}])
async def test_only_the_named_endpoints_are_added(host: Host) -> None:
    async with _http(make_server().streamable_http_app()) as http:
        assert [(await http.get(f"/{name}")).status_code for name in NAMES] == [404, 200, 404, 404]


@pytest.mark.parametrize("environ", [{"OTEL_PYTHON_MCP_ENDPOINTS": ""}])
async def test_no_endpoint_is_added_where_none_is_wanted(host: Host) -> None:
    before = len(make_server().streamable_http_app().routes)
    host.close()
    assert len(make_server().streamable_http_app().routes) == before


async def test_route_of_the_users_own_wins(host: Host) -> None:
    server = make_server()

    @server.custom_route("/health", methods=["GET"])
    async def health(_: Request) -> PlainTextResponse:
        return PlainTextResponse("mine")

    @server.custom_route("/metrics", methods=["POST"])
    async def push(_: Request) -> PlainTextResponse:
        return PlainTextResponse("pushed")

    async with _http(server.streamable_http_app()) as http:
        assert (await http.get("/health")).text == "mine"
        assert (await http.post("/metrics")).text == "pushed"
        assert (await http.get("/metrics")).status_code == 200


async def test_mounted_app_brings_its_endpoints_along(host: Host) -> None:
    inner = make_server().streamable_http_app()
    parent = Starlette(
        routes=[
            Route("/health", lambda _: PlainTextResponse("parent")),
            Mount("/sub", inner),
        ],
        lifespan=lambda _: inner.router.lifespan_context(inner),
    )
    async with _http(parent) as http:
        assert (await http.get("/health")).text == "parent"
        assert (await http.get("/metrics")).status_code == 404
        assert (await http.get("/sub/metrics")).status_code == 200


async def test_removal_takes_the_endpoints_out_of_apps_that_live(host: Host) -> None:
    app = make_server().streamable_http_app()
    with_ours = {route.path for route in app.routes}
    host.close()
    assert with_ours - {route.path for route in app.routes} >= {f"/{name}" for name in [*NAMES, "dashboard"]}


@pytest.mark.parametrize("environ", [{"OTEL_PYTHON_MCP_HTTP_PORT": "0"}])
async def test_own_port_is_announced_on_stderr_and_serves_everything(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    assert host.runtime._http is None
    host.runtime.serving(make_server()._lowlevel_server)
    host.runtime.serving(make_server()._lowlevel_server)
    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    url = line.rpartition(" ")[2].removesuffix("/metrics")
    async with asking(url) as http:
        assert [(await http.get(f"/{name}")).status_code for name in NAMES] == [200] * 4
        # Forged by a client: nobody in front of this port writes such a header.
        assert (await http.get("/metrics", headers=PROXIED)).status_code == 403
    host.close()
    async with asking(url) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.get("/livez")


async def test_own_port_says_nothing_in_the_hosts_logs_and_leaves_no_filter(caplog: pytest.LogCaptureFixture) -> None:
    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "uvicorn.access")]
    before = [[*logger.filters] for logger in loggers]
    for logger in loggers:
        caplog.set_level(logging.INFO, logger.name)

    async def ask(server: HttpServer) -> int:
        async with asking(server.url) as http:
            return (await http.get("/")).status_code

    routes = [Route("/", lambda _: PlainTextResponse("ours"))]
    first, second = HttpServer(routes, "127.0.0.1", 0), HttpServer(routes, "127.0.0.1", 0)
    assert [await ask(first), await ask(second)] == [200, 200]
    first.close()
    assert await ask(second) == 200
    second.close()
    assert caplog.messages == []
    assert [logger.filters for logger in loggers] == before
    # A control: the host's own are heard.
    logging.getLogger("uvicorn.access").info("a line of the host's")
    assert caplog.messages == ["a line of the host's"]


@pytest.mark.parametrize("environ", [{"OTEL_PYTHON_MCP_HTTP_PORT": "0"}])
async def test_one_worker_of_several_is_scraped_on_a_port_of_its_own_only(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    host.runtime.workers.are(4)
    host.runtime.serving(make_server()._lowlevel_server)
    own = capfd.readouterr().err.rpartition(" ")[2].strip()
    async with _http(make_server().streamable_http_app()) as http:
        refused = await http.get("/metrics")
        assert refused.status_code == 503
        assert "one of 4 workers" in refused.json()["error"]
        assert (await http.get("/metrics", headers=PROXIED)).status_code == 403, "nobody else is told"
        assert (await http.get("/health")).status_code == 200
        assert (await http.get(own)).status_code == 200


async def test_fixed_port_of_one_worker_of_several_is_refused(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    host = Host(telemetry, monkeypatch, {"OTEL_PYTHON_MCP_HTTP_PORT": str(port)})
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        host.runtime.serving(make_server()._lowlevel_server)
        assert (await http.get("/metrics")).status_code == 200
        host.runtime.workers.are(2)
        assert (await http.get("/metrics")).status_code == 503
        assert (await http.get("/livez")).status_code == 200
    host.close()


async def test_taken_port_is_a_warning_and_nothing_else(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(Starlette()) as url:
        port = url.rpartition(":")[2]
        host = Host(telemetry, monkeypatch, {"OTEL_PYTHON_MCP_HTTP_PORT": port})
        host.runtime.serving(make_server()._lowlevel_server)
        host.close()
    assert f"port {port}" in caplog.text


async def test_port_that_nobody_may_have_is_a_warning_and_nothing_else(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    environ = {"OTEL_PYTHON_MCP_HTTP_PORT": "0", "OTEL_PYTHON_MCP_HTTP_HOST": "no.such.host.invalid"}
    host = Host(telemetry, monkeypatch, environ)
    host.runtime.serving(None)
    host.close()
    assert "no.such.host.invalid" in caplog.text
