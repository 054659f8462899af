"""Durations, and series as tests of rules write them."""

from __future__ import annotations

import math

import pytest

from mcp_opentelemetry.alerts.given_series import NOTHING, parse_values
from mcp_opentelemetry.alerts.promql.durations import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("5m", 300), ("1h30m", 5_400), ("1d1ms", 86_400.001), ("0s", 0), ("1y", 31_536_000)]
)
def test_durations_are_those_of_prometheus(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "1.5h", "30m1h", "-5m", " 5m", "5 m", "1h1h", "9999999y", "9" * 400 + "s", "٣m"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 -2 .5 1e3", [1, -2, 0.5, 1e3]),
        ("1x2", [1, 1, 1]),
        ("1+2x2 1e+1-1e0x1", [1, 3, 5, 10, 9]),
        ("_ _x2 3 stale", [NOTHING, NOTHING, NOTHING, 3, None]),
        ("stalex1 Inf -inf", [None, None, math.inf, -math.inf]),
    ],
)
def test_values_of_series_are_read_as_promtool_reads_them(text: str, values: list[object]) -> None:
    assert list(parse_values(text)) == values


@pytest.mark.parametrize("text", ["x", "1+x", "1x", "{{schema:1}}", "1x9999999", "--1"])
def test_values_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no value"):
        list(parse_values(text))
