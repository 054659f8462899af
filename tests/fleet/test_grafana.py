"""Grafana's dashboards: they are sound, they ask for what there is, and a real Prometheus answers every question.

There is no Grafana here. The model is that of `grafana-foundation-sdk`; queries are asked with values for variables.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import combinations
from pathlib import Path
from typing import Any

import anyio
import promql_parser
import pytest
import yaml
from mcp.client import Client

from tests.fleet.collecting import collector, pushing_to
from tests.fleet.dashboards import DASHBOARDS, filled, metrics_in, panels, queries
from tests.fleet.programs import FLEET, PROMETHEUSES, need, need_module
from tests.fleet.scraping import TOKEN, prometheus_folder
from tests.integration.http_servers import HttpServer
from tests.integration.processes import PATIENCE, get, wait_until
from tests.integration.prometheus_server import RunningPrometheus

PROVISIONING = FLEET / "grafana" / "provisioning"
OF_PROMETHEUS = {"up", "ALERTS"}
# What comes only when the collector queues, refuses or loses something, or gets logs and spans.
WHEN_IT_HAPPENS = {"Refused and lost", "Queues"}
ALARM = """
groups:
  - name: alarm
    interval: 1s
    rules:
      - {alert: Called, expr: "mcp_requests_total > 0", labels: {severity: warning}}
"""


@pytest.fixture(params=sorted(DASHBOARDS))
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    return DASHBOARDS[request.param]


def test_there_is_one_for_a_server_and_one_for_the_fleet() -> None:
    assert sorted(DASHBOARDS) == ["mcp-fleet", "mcp-server"]
    for name, dashboard in DASHBOARDS.items():
        assert dashboard["uid"] == name


def test_panels_have_a_place_of_their_own(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    for place in places:
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"], (one, other)


def test_panels_explain_themselves(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard["uid"]):
        assert panel["description"].endswith("."), panel["title"]
        if panel["type"] in {"timeseries", "stat"}:
            assert panel["fieldConfig"]["defaults"].get("unit") or panel["fieldConfig"]["defaults"].get("mappings")
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters) > 0


def test_whoever_looks_chooses_the_data_source(dashboard: dict[str, Any]) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(dashboard["uid"]):
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])
    source, *others = dashboard["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    assert all(other["datasource"] == chosen for other in others)


def test_links_between_dashboards_lead_somewhere() -> None:
    text = "".join(json.dumps(dashboard) for dashboard in DASHBOARDS.values())
    template = (FLEET / "alertmanager" / "templates" / "mcp.tmpl").read_text()
    for name, dashboard in DASHBOARDS.items():
        assert f"/d/{name}" in text
        assert name in template
        variables = {variable["name"] for variable in dashboard["templating"]["list"]}
        assert variables >= ({"job", "instance"} if name == "mcp-server" else {"job"})


def test_model_is_grafanas(dashboard: dict[str, Any]) -> None:
    """Read and written by Grafana's own library, nothing is lost: no key is misspelt or at the wrong place."""
    assert misplaced(dashboard) == []


@pytest.mark.parametrize("place", ["", "targets/0", "options/legend", "fieldConfig/defaults/custom"])
def test_misspelt_key_would_be_noticed(place: str) -> None:
    broken = deepcopy(DASHBOARDS["mcp-server"])
    number, found = next((n, panel) for n, panel in enumerate(broken["panels"]) if panel["type"] == "timeseries")
    for key in filter(None, place.split("/")):
        found = found[int(key) if key.isdigit() else key]
    found["mispelt"] = 1
    assert misplaced(broken) == ["/".join(filter(None, ["/panels", str(number), place, "mispelt"]))]


def misplaced(dashboard: dict[str, Any]) -> list[str]:
    """Return what Grafana's library drops or changes when it reads a dashboard and writes it again."""
    models = need_module("grafana_foundation_sdk.models.dashboard")
    plugins = need_module("grafana_foundation_sdk.cog.plugins")
    encoder = need_module("grafana_foundation_sdk.cog.encoder")
    plugins.register_default_plugins()
    written = json.loads(json.dumps(models.Dashboard.from_json(dashboard), cls=encoder.JSONEncoder))
    return list(lost(dashboard, written))


def lost(given: Any, kept: Any, path: str = "") -> Iterator[str]:
    if isinstance(given, dict):
        for key, value in given.items():
            if value is None:
                continue
            if not isinstance(kept, dict) or key not in kept:
                yield f"{path}/{key}"
            else:
                yield from lost(value, kept[key], f"{path}/{key}")
    elif isinstance(given, list):
        if not isinstance(kept, list) or len(kept) != len(given):
            yield path
        else:
            for number, (one, other) in enumerate(zip(given, kept, strict=True)):
                yield from lost(one, other, f"{path}/{number}")
    elif given != kept:
        yield f"{path}: {given!r} becomes {kept!r}"


def test_provisioning_names_what_there_is() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources" / "mcp.yml").read_text())["datasources"]
    assert {source["type"] for source in sources} == {"prometheus", "alertmanager"}
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "mcp.yml").read_text())["providers"]
    compose = yaml.safe_load((FLEET / "compose.yaml").read_text())
    mounted = [volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"] if volume.startswith("./")]
    assert ["./grafana/dashboards", provider["options"]["path"]] in mounted
    assert ["./grafana/provisioning", "/etc/grafana/provisioning"] in mounted


@pytest.mark.parametrize("expr", sorted({expr for _, _, expr in queries()}))
def test_query_is_promql(expr: str) -> None:
    promql_parser.parse(filled(expr))


def test_every_question_is_answered(tmp_path: Path) -> None:
    """A real server, scraped and pushing, with calls, errors, sessions and alerts, and a real Prometheus between."""
    (tmp_path / "alarm.yml").write_text(ALARM)
    settings = {"OTEL_PYTHON_MCP_HTTP_TOKEN": TOKEN, "OTEL_PYTHON_MCP_ALERT_RULES": str(tmp_path / "alarm.yml")}
    with (
        collector(tmp_path) as ports,
        HttpServer("streamable-http", settings={**settings, **pushing_to(ports)}) as server,
    ):
        config = prometheus_folder(tmp_path, server.url.removeprefix("http://"), ports)
        (config.parent / "rules" / "alarm.yml").write_text(ALARM)
        with RunningPrometheus(tmp_path, config, need(PROMETHEUSES["3.14"])) as prometheus:
            call(server)
            wait_until(lambda: prometheus.query('mcp_errors_total{job="mcp"}'))
            call(server)  # what Prometheus sees for the first time is no increase yet
            wait_until(lambda: prometheus.query('increase(mcp_errors_total{job="mcp"}[10s]) > 0'))

            known = {line.split("{")[0].split(" ")[0] for line in exposition(server)} | recorded() | OF_PROMETHEUS
            asked = [(title, expr) for _, title, expr in queries() if title not in WHEN_IT_HAPPENS]
            for title, expr in asked:
                assert {name for name in metrics_in(expr) if not name.startswith("otelcol")} <= known, title

            # What a collector counts once it has seen some: this one is sent metrics alone.
            asked = [(title, expr) for title, expr in asked if not re.search("accepted_(spans|log_records)", expr)]
            unanswered = [expr for _, expr in asked]

            def are_answered() -> bool:
                unanswered[:] = [expr for expr in unanswered if not prometheus.query(filled(expr))]
                return not unanswered

            with contextlib.suppress(AssertionError):
                wait_until(are_answered)
            assert unanswered == []

            for dashboard in DASHBOARDS.values():
                for variable in dashboard["templating"]["list"][1:]:
                    metric, _, label = variable["query"]["query"].removeprefix("label_values(").rpartition(",")
                    assert {each["metric"][label.strip(" )")] for each in prometheus.query(filled(metric))}


def recorded() -> set[str]:
    files = [yaml.safe_load(file.read_text()) for file in (FLEET / "prometheus" / "rules").glob("*.yml")]
    return {rule["record"] for file in files for group in file["groups"] for rule in group["rules"] if "record" in rule}


def exposition(server: HttpServer) -> list[str]:
    lines = get(f"{server.url}/metrics", Authorization=f"Bearer {TOKEN}")[1].splitlines()
    return [line for line in lines if not line.startswith("#")]


def call(server: HttpServer) -> None:
    """Call tools, well and badly, in a session."""

    async def in_a_session() -> None:
        with anyio.fail_after(PATIENCE):
            async with Client(f"{server.url}/mcp", mode="legacy") as client:
                await client.call_tool("add", {"a": 1, "b": 2})
                await client.call_tool("boom", {})
                await client.call_tool("nonsense", {})

    anyio.run(in_a_session)
