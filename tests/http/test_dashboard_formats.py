"""What Python renders and what the script then writes over it: the same, or the page would flicker."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import pytest

from mcp_opentelemetry.http.dashboard import formats
from mcp_opentelemetry.http.dashboard.columns import NUMBERS, TABLES
from mcp_opentelemetry.http.dashboard.formats import FORMATS, shown
from mcp_opentelemetry.http.dashboard.page import verdict

SCRIPT = (files("mcp_opentelemetry.http.dashboard") / "static" / "dashboard.js").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 22, 12, 0, 0, 250_000, timezone.utc)

# Around each limit, and ties: 0.0125 is 1.25 %, and 1.5 minutes are as far from 1 as from 2.
NUMBERS_SHOWN = [
    *(0, 0.0, 0.0001, 0.00005, 0.0099, 0.00999, 0.009995, 0.01, 0.0105, 0.0125, 0.0245, 0.125, 0.25, 0.5, 0.75),
    *(0.999, 0.9995, 0.99999, 1, 1.0, 1.005, 1.125, 1.5, 2.5, 3.35, 12.5, 59.4, 59.5, 59.9, 60, 90, 99.95, 100, 119.5),
    *(119.99, 120, 150, 3599, 3600, 7199, 7200, 9000, 172799, 172800, 216000, 86400 * 365.5, 1234567, 1e15),
]
_random = Random(5)
NUMBERS_SHOWN += [_random.uniform(0, 1) * 10 ** _random.randint(-6, 6) for _ in range(500)]
NUMBERS_SHOWN += [_random.randrange(100_000) / 16 for _ in range(500)]
VALUES: dict[str, list[Any]] = {
    "text": ["", "add", "<b>", "a\u202eb", "🌦️"],
    "count": [0, 7, 999, 1000, 12_345, 999_999, 1_234_567, 2**53 - 1],
    **dict.fromkeys(("rate", "share", "percent", "seconds", "minutes", "age"), NUMBERS_SHOWN),
    "ago": [(NOW - timedelta(seconds=value)).isoformat() for value in (-5, 0, 0.25, 1.5, 90, 119.5, 150, 7200, 2e5)]
    + ["2026-11-22T11:59:01+00:00"],
    "kinds": [{"KeyError": 2, "ValueError": 2, "timeout": 11}, {"__proto__": 1}, {"b": 1, "10": 1, "9": 1, "<i>": 1}],
    "status": ["healthy", "degraded", "unhealthy", "firing", "pending", "ok", "warming", "no data", "error", "unknown"],
    "trace": ["0af7651916cd43dd8448eb211c80319c"],
}
ROW = {"a": {"b": 0, "c": None, "d": {}}, "n": None, "f": False}
ALERTS = [{"name": "b", "state": "firing"}, {"name": "a", "state": "firing"}, {"name": "c", "state": "pending"}]
HEALTH = [
    {"status": status, "phase": phase, "checks": checks}
    for status in ("healthy", "degraded", "unhealthy")
    for phase in ("ready", "starting", "draining")
    for checks in (
        {},
        {"disk": {"status": "healthy"}},
        {"disk": {"status": "unhealthy", "error": "full"}, "<b>": {"status": "degraded"}, "ok": {"status": "healthy"}},
    )
]


@cache
def _script_says() -> dict[str, Any]:
    """Run the script's own functions in Node.js over everything that is compared here."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("what the script shows needs Node.js to run it: `node` is not in PATH")
    body, start, rest = SCRIPT.rpartition("start();")
    assert (start, rest) == ("start();", "\n")
    questions = """
        const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
        serverTime = asked.now;
        console.log(JSON.stringify({
          formats: Object.keys(FORMATS),
          shown: Object.fromEntries(Object.entries(asked.values).map(
            ([format, values]) => [format, values.map((value) => shown(value, format))])),
          at: asked.paths.map((path) => valueAt(path, asked.row)),
          verdicts: asked.health.flatMap((health) => [[], asked.alerts].map((alerts) => verdict({ health, alerts }))),
        }));
    """
    asked = {
        "now": NOW.timestamp() * 1000,
        "values": {format_: [*values, None, {}] for format_, values in VALUES.items()},
        "row": ROW,
        "paths": PATHS,
        "health": HEALTH,
        "alerts": ALERTS,
    }
    answer = subprocess.run(
        [node, "-e", body + questions], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout)


PATHS = ["a.b", "a.c", "a.d", "a.x", "a.b.c", "n", "n.x", "x", "f", "constructor", "a.__proto__", "toString.name"]


class _Frozen(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # noqa: ARG003 (as the real one)
        return NOW


@pytest.mark.parametrize("format_", VALUES)
def test_python_and_the_script_show_a_value_alike(format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "datetime", _Frozen)
    values = [*VALUES[format_], None, {}]
    differing = [
        (value, mine, theirs)
        for value, theirs in zip(values, _script_says()["shown"][format_], strict=True)
        if (mine := shown(value, format_)) != theirs
    ]
    assert differing == []


def test_every_format_is_compared_and_known_to_the_script() -> None:
    used = {column.format for column in (*NUMBERS, *(column for table in TABLES for column in table.columns))}
    assert used == set(FORMATS) == set(VALUES)
    assert used <= set(_script_says()["formats"])


@pytest.mark.parametrize("path", PATHS)
def test_python_and_the_script_find_the_same_value(path: str) -> None:
    assert formats.value_at(path, ROW) == _script_says()["at"][PATHS.index(path)]


def test_python_and_the_script_give_the_same_verdict() -> None:
    found = [verdict({"health": health, "alerts": alerts}) for health in HEALTH for alerts in ([], ALERTS)]
    assert found == _script_says()["verdicts"]
