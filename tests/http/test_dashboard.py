"""The dashboard over real sockets: its numbers, its page, its files, and who may see them."""

from __future__ import annotations

import hashlib
import json
import math
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

import mcp_opentelemetry as mot
from mcp_opentelemetry import alerts
from mcp_opentelemetry.http.dashboard.columns import TABLES
from mcp_opentelemetry.window import history
from mcp_opentelemetry.window.rings import FINE
from tests.http.host import PROXIED, Host, asking
from tests.http.page import Page
from tests.http_server import served
from tests.servers import hostile
from tests.servers.tools import make_server
from tests.waiting import eventually_async

pytestmark = pytest.mark.anyio

STATIC = files("mcp_opentelemetry.http.dashboard") / "static"
FILES = {
    "dashboard.css": "text/css; charset=utf-8",
    "dashboard.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "uPlot.min.css": "text/css; charset=utf-8",
    "uPlot.iife.min.js": "text/javascript; charset=utf-8",
}
EVERYTHING = ["/dashboard", "/dashboard?format=html", *(f"/dashboard/{name}" for name in FILES)]
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
TOKEN = {"OTEL_PYTHON_MCP_HTTP_TOKEN": "s3:cret"}
TRACE_URL = {"OTEL_PYTHON_MCP_TRACE_URL": "https://traces.example/t/{trace_id}?a=1&b=2"}


def _basic(password: str, user: str = "") -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


@asynccontextmanager
async def _asking(host: Host, server: MCPServer) -> AsyncGenerator[tuple[httpx2.AsyncClient, Client]]:
    """Serve; yields one who asks for the dashboard, and one who calls tools."""
    host.runtime.serving(server._lowlevel_server)
    async with (
        served(server.streamable_http_app()) as url,
        Client(f"{url}/mcp") as client,
        asking(url) as http,
    ):
        yield http, client


async def _numbers(http: httpx2.AsyncClient, **query: Any) -> dict[str, Any]:
    response = await http.get("/dashboard", params=query)
    assert response.headers["content-type"] == "application/json"

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    numbers = json.loads(response.text, parse_constant=refuse)
    _assert_finite(numbers)
    return numbers


async def _page(http: httpx2.AsyncClient) -> Page:
    response = await http.get("/dashboard", headers=BROWSER)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text.startswith("<!doctype html>\n")
    return Page(response.text)


def _assert_finite(value: Any) -> None:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _assert_finite(item)
    assert not isinstance(value, float) or math.isfinite(value)


def _shape(value: Any) -> Any:
    """Return what a value is made of, without the numbers."""
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


async def test_json_has_the_keys_of_the_contract(host: Host) -> None:
    async with _asking(host, make_server()) as (http, client):
        await client.call_tool("add", {"a": 1, "b": 2})
        await client.call_tool("boom")
        # Until the vitals have been taken for the first time nothing is known of the system.
        await eventually_async(lambda: host.runtime.monitor.sampler.last)
        numbers = await _numbers(http)
    summary = {"total_requests", "total_errors", "error_rate", "uptime_minutes"}
    assert summary <= set(numbers["summary"])
    assert {"memory_percent", "cpu_percent", "disk_percent"} <= set(numbers["system"])
    assert set(numbers["by_tool"]) == {"add", "boom"}
    for tool in numbers["by_tool"].values():
        assert {"requests", "errors", "avg_duration", "response_stats"} <= set(tool)
        assert {"avg", "median", "p95", "p99", "min", "max", "count"} <= set(tool["response_stats"])
    timestamp = datetime.fromisoformat(numbers["timestamp"])
    assert timestamp.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone.utc) - timestamp) < timedelta(minutes=1)
    assert all(0 <= numbers["system"][name] <= 100 for name in ("memory_percent", "disk_percent"))


async def test_numbers_are_those_of_the_calls(host: Host) -> None:
    async with _asking(host, make_server()) as (http, client):
        for number in range(3):
            await client.call_tool("add", {"a": number, "b": 2})
        await client.call_tool("add", {"a": "x", "b": 2})
        await client.call_tool("boom")
        numbers = await _numbers(http)
    add, boom = numbers["by_tool"]["add"], numbers["by_tool"]["boom"]
    assert (add["requests"], add["errors"], add["errors_by_type"]) == (4, 1, {"invalid_arguments": 1})
    assert (boom["requests"], boom["errors"], boom["errors_by_type"]) == (1, 1, {"KeyError": 1})
    assert boom["recent"] == {**boom["recent"], "requests": 1, "errors": 1, "error_rate": 1.0}
    summary = numbers["summary"]
    assert (summary["total_requests"], summary["total_errors"], summary["error_rate"]) == (5, 2, 0.4)
    spread = add["response_stats"]
    assert spread["count"] == 4
    assert 0 < spread["min"] <= spread["median"] <= spread["p95"] <= spread["p99"] <= spread["max"]
    assert spread["min"] <= spread["avg"] <= spread["max"]
    assert add["avg_duration"] == pytest.approx(spread["avg"])
    assert [call["call"] for call in numbers["failed_calls"]] == ["tools/call boom", "tools/call add"]
    assert "tools/call" not in numbers["by_method"]


async def test_call_is_in_the_very_next_answer(host: Host) -> None:
    async with _asking(host, make_server()) as (http, client):
        for calls in range(1, 6):
            await client.call_tool("add", {"a": 1, "b": 2})
            numbers = await _numbers(http)
            assert numbers["by_tool"]["add"]["requests"] == calls
            assert numbers["by_tool"]["add"]["response_stats"]["count"] == calls
            assert numbers["summary"]["total_requests"] == calls


async def test_nothing_is_wrong_where_nothing_was_called(host: Host) -> None:
    async with _asking(host, make_server()) as (http, _):
        numbers = await _numbers(http)
        page = await _page(http)
    rates = ("total_requests", "total_errors", "error_rate", "total_error_rate", "requests_per_minute", "in_flight")
    assert {name: numbers["summary"][name] for name in rates} == dict.fromkeys(rates, 0)
    assert (numbers["by_tool"], numbers["failed_calls"], numbers["slow_calls"]) == ({}, [], [])
    for table in TABLES:
        if table.name not in {"checks", "methods", "rules"}:
            assert [[cell.text for cell in row] for row in page.rows(table.name)] == [[table.empty]]


async def test_alerts_are_shown_with_what_they_say(host: Host) -> None:
    alerts.add_condition("<b>backlog", lambda: 7, severity="critical", summary="{{ $value }} wait")
    try:
        async with _asking(host, make_server()) as (http, _):
            host.runtime.alerting.evaluator().check()
            numbers = await _numbers(http)
            page = await _page(http)
            health = (await http.get("/health")).json()
    finally:
        alerts.remove_condition("<b>backlog")
    (alert,) = numbers["alerts"]
    assert (alert["name"], alert["state"], alert["severity"], alert["value"]) == ("<b>backlog", "firing", "critical", 7)
    assert [cell.text for cell in page.rows("alerts")[0]][:4] == ["<b>backlog", "■ firing", "critical", "7 wait"]
    assert health["alerts"] == ["<b>backlog"]
    assert {rule["group"] for rule in numbers["rules"]} == {"mcp-server", "conditions"}


async def test_dashboard_of_a_process_that_serves_nothing_yet_is_empty(host: Host) -> None:
    app = Starlette(routes=host.runtime.routes())
    async with served(app) as url, asking(url) as http:
        numbers = await _numbers(http)
        page = await _page(http)
    assert numbers["summary"]["uptime_minutes"] == 0
    assert numbers["system"] == {**numbers["system"], "memory_percent": None, "cpu_percent": None}
    assert (page.numbers()["Calls"], page.numbers()["Memory"]) == ("0", "-")


@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        (None, "", "application/json"),
        ("*/*", "", "application/json"),
        ("application/json", "", "application/json"),
        ("", "", "application/json"),
        ("text/plain", "", "application/json"),
        ("text/html", "", "text/html"),
        ("TEXT/HTML;q=0.9, */*", "", "text/html"),
        (BROWSER["accept"], "", "text/html"),
        (BROWSER["accept"], "?format=json", "application/json"),
        ("*/*", "?format=html", "text/html"),
        (BROWSER["accept"], "?format=xml", "text/html"),
        ("*/*", "?format=", "application/json"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_browsers_get_the_page_and_everything_else_json(
    host: Host, method: str, accept: str | None, query: str, kind: str
) -> None:
    async with served(Starlette(routes=host.runtime.routes())) as url, asking(url) as http:
        del http.headers["accept"]
        headers = {} if accept is None else {"accept": accept}
        response = await http.request(method, f"/dashboard{query}", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == kind
    assert int(response.headers["content-length"]) > 500
    assert bool(response.content) == (method == "GET")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_dashboard_is_for_reading_only(host: Host, method: str) -> None:
    async with served(Starlette(routes=host.runtime.routes())) as url, asking(url) as http:
        for path in EVERYTHING:
            response = await http.request(method, path)
            assert response.status_code == 405
            assert not any(name.startswith("access-control-") for name in response.headers)


async def test_history_holds_what_came_after_the_moment_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(host.runtime.monitor.window, "_clock", lambda: now)
    monkeypatch.setattr(host.runtime.monitor.window, "_opened", 0.0)
    monkeypatch.setattr(history, "time", lambda: 1_800_000_000 + now)
    server = make_server()
    async with (
        served(server.streamable_http_app()) as url,
        Client(f"{url}/mcp") as client,
        asking(url) as http,
    ):
        host.runtime.attach()
        assert (await _numbers(http))["history"]["time"] == []
        for calls in (1, 2, 0):
            for _ in range(calls):
                await client.call_tool("boom")
            now += FINE.slot
            await _numbers(http)
        points = (await _numbers(http))["history"]
        times = points["time"]
        later = (await _numbers(http, since=times[0]))["history"]
        for since in (times[-1], 1e300, "inf"):
            assert (await _numbers(http, since=since))["history"]["time"] == []
        for since in ("", "0", "-1", "yesterday"):
            assert (await _numbers(http, since=since))["history"] == points
    assert times == [1_800_000_010.0, 1_800_000_020.0, 1_800_000_030.0]
    assert (points["calls"], points["errors"]) == ([1, 2, 0], [1, 2, 0])
    assert [value is None for value in points["p95"]] == [False, False, True]
    assert later == {name: column[1:] for name, column in points.items()}


async def test_strangers_see_nothing_at_all(host: Host) -> None:
    async with served(Starlette(routes=host.runtime.routes())) as url, asking(url) as http:
        for path in EVERYTHING:
            foreign = await http.get(path, headers={"host": "evil.example"})
            proxied = await http.get(path, headers=PROXIED)
            assert (foreign.status_code, proxied.status_code) == (421, 403), path
            assert set(foreign.json()) == set(proxied.json()) == {"error"}
            assert "www-authenticate" not in proxied.headers


@pytest.mark.parametrize("environ", [TOKEN])
async def test_token_opens_everything_as_bearer_and_as_password(host: Host) -> None:
    async with served(Starlette(routes=host.runtime.routes())) as url, asking(url) as http:
        for path in EVERYTHING:
            refused = await http.get(path, headers=PROXIED)
            assert refused.status_code == 401
            assert "cret" not in refused.text
            # Each in a header of its own: Chromium sees no password asked for at the end of a list.
            schemes = [challenge.partition(" ")[0] for challenge in refused.headers.get_list("www-authenticate")]
            assert schemes == ["Bearer", "Basic"]
            for headers, status in (
                ({"authorization": "Bearer s3:cret"}, 200),
                (_basic("s3:cret"), 200),
                (_basic("s3:cret", user="anybody"), 200),
                (_basic("wrong"), 401),
                (_basic("s3:cret:"), 401),
                (_basic("", user="s3:cret"), 401),
                ({"authorization": "Basic s3:cret"}, 401),
                ({"authorization": "Basic"}, 401),
                ({"authorization": "Bearer wrong"}, 401),
            ):
                assert (await http.get(path, headers={**PROXIED, **headers})).status_code == status, headers
            # By the name of another machine: that is what a browser somewhere else asks for.
            elsewhere = {"host": "mcp.example", **_basic("s3:cret")}
            assert (await http.get(path, headers=elsewhere)).status_code == 200


async def test_every_answer_carries_the_headers_that_keep_a_page_safe(host: Host) -> None:
    async with served(Starlette(routes=host.runtime.routes())) as url, asking(url) as http:
        for path in EVERYTHING:
            headers = (await http.get(path)).headers
            rules = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
            assert rules.pop("require-trusted-types-for") == "'script'"
            closed = {"default-src", "base-uri", "form-action", "frame-ancestors"}
            assert {name for name, source in rules.items() if source == "'none'"} == closed
            opened = {"script-src", "style-src", "connect-src", "img-src"}
            assert {name for name, source in rules.items() if source == "'self'"} == opened
            assert set(rules) == closed | opened
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"] in {"no-store", "no-cache"}
            assert not any(name.startswith("access-control-") for name in headers)


async def test_page_asks_only_for_files_that_are_there(host: Host) -> None:
    inner = make_server().streamable_http_app()
    parent = Starlette(routes=[Mount("/sub", inner)], lifespan=lambda _: inner.router.lifespan_context(inner))
    async with served(parent) as url, asking(f"{url}/sub/") as http:
        page = Page((await http.get("dashboard", headers=BROWSER)).text)
        links = [element.attributes.get("href") or element.attributes.get("src") for element in page.elements]
        named = {link for link in links if link}
        assert named == {f"dashboard/{name}" for name in FILES}
        for link in named:
            response = await http.get(link)
            assert response.status_code == 200
            assert response.headers["content-type"] == FILES[link.partition("/")[2]]
        assert (await http.get("dashboard/SHA256SUMS")).status_code == 404
        assert (await http.get("dashboard/../routes.py")).status_code == 404


async def test_dashboard_of_the_users_own_wins(host: Host) -> None:
    server = make_server()

    @server.custom_route("/dashboard", methods=["GET"])
    async def dashboard(_: Request) -> PlainTextResponse:
        return PlainTextResponse("mine")

    async with served(server.streamable_http_app()) as url, asking(url) as http:
        assert (await http.get("/dashboard", headers=BROWSER)).text == "mine"
        assert (await http.get("/metrics")).status_code == 200


@pytest.mark.parametrize("environ", [{"OTEL_PYTHON_MCP_ENDPOINTS": "health,livez,readyz,metrics"}])
async def test_dashboard_that_is_not_named_is_not_there(host: Host) -> None:
    async with served(make_server().streamable_http_app()) as url, asking(url) as http:
        assert [(await http.get(path)).status_code for path in EVERYTHING] == [404] * len(EVERYTHING)


@pytest.mark.parametrize("environ", [{"OTEL_PYTHON_MCP_HTTP_PORT": "0"}])
async def test_own_port_shows_the_dashboard_too(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    host.runtime.serving(make_server()._lowlevel_server)
    url = capfd.readouterr().err.rpartition(" ")[2].strip().removesuffix("/metrics")
    async with asking(url) as http:
        assert [(await http.get(path)).status_code for path in EVERYTHING] == [200] * len(EVERYTHING)


async def test_one_worker_of_several_says_whose_numbers_it_shows(host: Host) -> None:
    async with _asking(host, make_server()) as (http, _):
        assert (await _numbers(http))["worker"] is None
        assert "hidden" in (await _page(http)).by_id("worker").attributes
        host.runtime.workers.are(4)
        numbers = await _numbers(http)
        note = (await _page(http)).by_id("worker")
    assert numbers["worker"]["of"] == 4
    assert "hidden" not in note.attributes
    assert note.text == f"Process {numbers['process']['pid']} alone: {numbers['worker']['advice']}."


@pytest.mark.parametrize("environ", [TRACE_URL])
async def test_names_are_never_anything_but_text(host: Host) -> None:
    async with _asking(host, hostile.make_server()) as (http, client):
        harmless = {element.tag for element in (await _page(http)).elements} | {"a"}
        for name in hostile.NAMES:
            await client.call_tool(name)
            await client.call_tool(name, {"fail": True})
        numbers = await _numbers(http)
        page = await _page(http)
    assert set(numbers["by_tool"]) == set(hostile.NAMES)
    assert {element.tag for element in page.elements} == harmless
    assert len([element for element in page.elements if element.tag == "script"]) == 2
    attributes = {name for element in page.elements for name in element.attributes}
    assert not any(name.startswith("on") or name in {"style", "srcdoc"} for name in attributes)
    assert {row[0].text for row in page.rows("tools")} == set(hostile.NAMES)
    assert {row[0].text for row in page.rows("failed")} == {f"tools/call {name}" for name in hostile.NAMES}
    assert {row[3].text for row in page.rows("failed")} == set(hostile.NAMES)
    assert page.by_id("service").text == numbers["service"]
    assert page.by_id("version").text == "<i>1</i>"
    for name in hostile.NAMES:
        assert numbers["by_tool"][name]["errors_by_type"] == {name: 1}


async def test_page_without_a_script_shows_the_same_numbers(host: Host) -> None:
    async with _asking(host, make_server()) as (http, client):
        for _ in range(3):
            await client.call_tool("add", {"a": 1, "b": 2})
        await client.call_tool("boom")
        page = await _page(http)
    rows = {row[0].text: [cell.text for cell in row[1:6]] for row in page.rows("tools")}
    assert rows["add"][0] == "3"
    assert rows["add"][2:] == ["0.0 %", "-", "0"]
    assert rows["boom"][2:] == ["100.0 %", "KeyError 1", "0"]
    assert (page.numbers()["Calls"], page.numbers()["Errors, 5 min"]) == ("4", "25.0 %")
    assert page.by_id("verdict").text.startswith("● healthy")
    (refresh,) = [element for element in page.elements if element.attributes.get("http-equiv") == "refresh"]
    assert refresh.attributes["content"] == "10"


@pytest.mark.parametrize("environ", [TRACE_URL])
async def test_trace_of_a_failed_call_is_a_link_where_a_template_is_set(host: Host) -> None:
    async with _asking(host, make_server()) as (http, client):
        await client.call_tool("boom")
        (call,) = (await _numbers(http))["failed_calls"]
        page = await _page(http)
    (link,) = [element for element in page.elements if element.tag == "a"]
    assert call["trace_url"] == f"https://traces.example/t/{call['trace_id']}?a=1&b=2"
    assert link.attributes["href"] == call["trace_url"]
    assert link.attributes["rel"] == "noreferrer"
    assert link.text == call["trace_id"][:8]


@pytest.mark.parametrize(
    "environ", [{}, {"OTEL_PYTHON_MCP_TRACE_URL": "javascript:alert('{trace_id}')"}, {"OTEL_PYTHON_MCP_TRACE_URL": " "}]
)
async def test_there_is_no_link_without_a_template_that_leads_somewhere(host: Host) -> None:
    async with _asking(host, make_server()) as (http, client):
        await client.call_tool("boom")
        (call,) = (await _numbers(http))["failed_calls"]
        page = await _page(http)
    assert call["trace_url"] is None
    assert len(call["trace_id"]) == 32
    assert [element for element in page.elements if element.tag == "a"] == []
    assert page.rows("failed")[0][4].text == call["trace_id"][:8]


async def test_nothing_of_arguments_and_messages_is_shown(host: Host) -> None:
    async with _asking(host, make_server()) as (http, client):
        for tool in ("boom", "deliberate", "returns_error", "invalid_inside", "protocol_error"):
            await client.call_tool(tool, {"secret": "alice"}) if tool != "protocol_error" else None
        text = (await http.get("/dashboard")).text + (await http.get("/dashboard", headers=BROWSER)).text
    assert "alice" not in text


async def test_snapshot_in_code_is_the_same_dict(host: Host) -> None:
    async with _asking(host, make_server()) as (http, client):
        await client.call_tool("add", {"a": 1, "b": 2})
        await client.call_tool("boom")
        numbers = await _numbers(http)
        snapshot = mot.snapshot()
    assert _shape(snapshot) == _shape(numbers)
    assert snapshot["by_tool"]["add"]["response_stats"] == numbers["by_tool"]["add"]["response_stats"]


async def test_stats_of_one_tool_are_those_of_the_dashboard(host: Host) -> None:
    async with _asking(host, make_server()) as (http, client):
        await client.call_tool("add", {"a": 1, "b": 2})
        await client.call_tool("boom")
        numbers = await _numbers(http)
        known, failed, unknown = mot.stats("add"), mot.stats("boom"), mot.stats("never")
        assert mot.stats("tools/call") == unknown
    assert _without_rate(known) == _without_rate(numbers["by_tool"]["add"])
    assert _without_rate(failed) == _without_rate(numbers["by_tool"]["boom"])
    assert _shape({**known, "last_call": None}) == _shape(unknown)
    assert (unknown["requests"], unknown["errors"], unknown["last_call"]) == (0, 0, None)
    assert {value for name, value in unknown["response_stats"].items() if name != "bound"} == {0}
    _assert_finite(unknown)


def _without_rate(stats: dict[str, Any]) -> dict[str, Any]:
    recent = {name: value for name, value in stats["recent"].items() if name != "per_minute"}
    return {**stats, "recent": recent}


def test_vendored_files_are_the_ones_that_were_reviewed() -> None:
    folder = STATIC / "uplot"
    sums = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == {file.name for file in folder.iterdir()} - {"SHA256SUMS"} >= {"LICENSE"}
    for name, checksum in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum, name


@pytest.mark.parametrize(
    "word",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "srcdoc", "DOMParser"],
)
def test_script_has_no_way_to_make_markup_of_text(word: str) -> None:
    assert word not in (STATIC / "dashboard.js").read_text()
