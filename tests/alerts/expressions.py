"""Series and expressions over them, of every kind that is supported."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

SERIES: Final = {
    'requests_total{tool="a",status="ok",job="x"}': "0+3x30",
    'requests_total{tool="a",status="error",job="x"}': "0 0 1 1 4 9 9 9 0 2 3 5 8 _ _ 9 9+1x13",
    'requests_total{tool="b",status="ok",job="x"}': "5 7 _ _ _ 12 1 4 9+2x20",
    'requests_total{tool="b",status="error",job="y"}': "_x9 3 4 5 stale _ 1 2 5+1x12",
    'requests_total{tool="c",status="ok",job="y"}': "100 90 stale 3 4 2 1x22",
    'temperature{room="kitchen",floor="1"}': "20 21.5 -3 0 -0.25 NaN 19 1e3 2e-3 7x20",
    'temperature{room="attic",floor="2"}': "-1-1x29",
    'temperature{room="",floor="2"}': "Inf 1 -Inf 2 Inf 3 NaN 4 0x20",
    'temperature{room="cellar.dark",floor="0"}': "0.1+0.1x29",
    'limit{floor="1"}': "10x29",
    'limit{floor="2",owner="me"}': "-5x29",
    'limit{floor="3"}': "1x29",
    'info{floor="1",name="ground",colour="red"}': "1x29",
    'info{floor="2",name="top"}': "1x29",
    'latency_bucket{tool="a",le="0.1"}': "0+1x29",
    'latency_bucket{tool="a",le="1"}': "0+3x29",
    'latency_bucket{tool="a",le="5"}': "0+3x29",
    'latency_bucket{tool="a",le="+Inf"}': "0+4x29",
    'latency_bucket{tool="b",le="-1"}': "0 1 0+2x27",
    'latency_bucket{tool="b",le="1"}': "0 5 5 6+2x26",
    'latency_bucket{tool="b",le="2"}': "0 4 4 4+1x26",
    'latency_bucket{tool="b",le="Inf"}': "0 9 9 10+3x26",
    'latency_bucket{tool="c",le="1"}': "0x29",
    'latency_bucket{tool="c",le="+Inf"}': "0x29",
    'latency_bucket{tool="d",le="1"}': "3x29",
    'latency_bucket{tool="e",le="soon"}': "3x29",
    "lonely": "42x29",
    'build{version="1.2.3",host="web-01.example.org:8080"}': "1x29",
    'build{version="1.10.0",host="db.example.org:5432"}': "1x29",
}
MOMENTS: Final = ("0m", "1m", "2m", "5m", "7m30s", "9m", "11m", "12m", "13m", "14m", "20m", "29m", "33m", "34m", "36m")

COUNTERS: Final = ("requests_total", 'requests_total{tool="b"}', 'latency_bucket{tool!="a"}')
GAUGES: Final = (
    "temperature",
    'temperature{room!=""}',
    'temperature{room=""}',
    'temperature{floor=~"1|2"}',
    'temperature{room=~".*[.]dark"}',
    'temperature{room!~"a.*|kit"}',
    'temperature{room=~""}',
    'temperature{missing=""}',
    'temperature{missing!=""}',
    '{__name__="limit"}',
    '{__name__=~"li.*|info"}',
    '{__name__=~"li.*", floor!="1"}',
    "limit",
    "info",
    "lonely",
    "nothing",
    "requests_total",
)
RANGES: Final = ("30s", "1m", "2m", "3m", "5m", "10m", "1h", "90s", "1m1s")
OVER_RANGE: Final = (
    "rate",
    "increase",
    "irate",
    "delta",
    "idelta",
    "resets",
    "changes",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "absent_over_time",
)
OF_VALUES: Final = ("abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sgn", "sqrt", "absent", "scalar", "round")
SIMPLE: Final = ("sum", "avg", "count", "min", "max", "group", "stddev", "stdvar")
GROUPS: Final = (
    "", "by (tool)", "by (floor)", "by (missing)", "by ()", "without (tool)", "without (room, status)", "without ()",
    "by (tool, job)", "by (__name__)",
)  # fmt: skip
NUMBERS: Final = ("0", "1", "2", "-1.5", "0.5", "1e3", "NaN", "Inf", "-Inf", "-0", "3")
SYMBOLS: Final = ("+", "-", "*", "/", "%", "^", "atan2")
COMPARISONS: Final = ("==", "!=", ">", "<", ">=", "<=")
MATCHINGS: Final = (
    "", "on ()", "on (floor)", "ignoring (room)", "ignoring (room, owner)", "on (floor) group_left",
    "on (floor) group_left (owner)", "on (floor) group_right", "on (floor) group_right (room)",
    "ignoring (room, owner, name, colour) group_left (name, colour)", "on (missing)", "on (floor) group_left (room)",
)  # fmt: skip
SHARES: Final = ("0", "0.5", "0.9", "0.99", "1", "-1", "2", "NaN", "0.25")


def fixed() -> list[tuple[str, str]]:
    """Return every function and every case that somebody thought of, at several moments."""
    over = [f"{name}({COUNTERS[0]}[{span}])" for name in OVER_RANGE for span in ("1m", "5m", "10m")]
    over += [f"{name}(temperature[{span}])" for name in OVER_RANGE for span in ("2m", "10m")]
    over += [f"quantile_over_time({share}, temperature[5m])" for share in SHARES]
    over += [f"histogram_quantile({share}, latency_bucket)" for share in SHARES]
    plain = [f"{name}({of})" for name in OF_VALUES for of in ("temperature", "limit", "lonely", "nothing")]
    grouped = [f"{name} {group} (requests_total)" for name in SIMPLE for group in GROUPS]
    grouped += [f"{name} (temperature)" for name in SIMPLE]
    grouped += [f"quantile {group} ({share}, temperature)" for share in SHARES for group in ("", "by (floor)")]
    binary = [f"temperature {symbol} {matching} limit" for symbol in ("+", ">", "== bool") for matching in MATCHINGS]
    binary += [f"limit {symbol} {matching} info" for symbol in ("/", "<") for matching in MATCHINGS]
    binary += [
        f"temperature {symbol} {number}" for symbol in (*SYMBOLS, *COMPARISONS) for number in ("0", "-1.5", "NaN")
    ]
    binary += [f"{number} {symbol} temperature" for symbol in (*SYMBOLS, *COMPARISONS) for number in ("0", "2", "-Inf")]
    others = (Path(__file__).parent / "expressions.txt").read_text(encoding="utf-8").splitlines()
    every = [*over, *plain, *grouped, *binary, *GAUGES, *others]
    random = Random(7)
    return [(expression, moment) for expression in every for moment in random.sample(MOMENTS, 4)]
