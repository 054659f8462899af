"""The dashboards of `collector-config/grafana`, as Grafana would ask them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.fleet.programs import FLEET

DASHBOARDS: Final = {file.stem: json.loads(file.read_text()) for file in (FLEET / "grafana/dashboards").glob("*.json")}
# What Grafana puts in: all services and instances, over the last seconds of a Prometheus that scrapes every second.
_VALUES: Final = {"job": ".*", "instance": ".*", "__rate_interval": "10s", "__range": "60s"}
_VARIABLE: Final = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_METRIC: Final = re.compile(r"\b(?:(?:mcp|process|system|otelcol)_[a-z0-9_]+|mcp:[a-z0-9_:]+|up|ALERTS)(?=[{\[ )/]|$)")


def panels(name: str) -> list[dict[str, Any]]:
    """Return a dashboard's panels, without the rows."""
    return [panel for panel in DASHBOARDS[name]["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, str, str]]:
    """Return every query: its dashboard, its panel's title, and what it asks."""
    for name in DASHBOARDS:
        for panel in panels(name):
            for target in panel["targets"]:
                yield name, panel["title"], target["expr"]


def filled(text: str) -> str:
    """Return a query with the values of its variables; a variable that nobody sets is an error."""
    return _VARIABLE.sub(lambda match: _VALUES[match[1]], text)


def metrics_in(text: str) -> set[str]:
    """Return the names of the metrics that a query asks for."""
    return set(_METRIC.findall(re.sub(r'"[^"]*"|by \([^)]*\)|on \([^)]*\)', "", text)))
