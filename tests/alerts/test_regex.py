"""Regular expressions: what they match, and that none of them runs for ever."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_opentelemetry.alerts.promql.regex import compiled, matches, ways
from tests.effort import part_of


@pytest.mark.parametrize(
    ("pattern", "value", "does"),
    [
        ("a|b", "b", True),
        ("a|b", "ab", False),
        ("", "", True),
        (".*", "a\nb", True),
        (r"\d+", "٣", False),
        (r"tool_[0-9]{1,3}(\.x)?", "tool_12.x", True),
        ("(?i)get", "GET", True),
        ("[]a-c]+", "]b", True),
    ],
)
def test_regular_expressions_match_all_of_a_value(pattern: str, value: str, does: bool) -> None:
    assert matches(pattern, value) is does


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a|aa)*", "a?" * 40, "(.*)*", "(?:a{1,9}){1,99}", ".*.*.*.*.*.*", "((a?)?)*"]
)
def test_regular_expressions_that_could_run_for_hours_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="too long"):
        compiled(pattern)


@settings(max_examples=part_of(150))
@given(st.text(alphabet="ab.*+?|()[]{}\\^$1,-d", max_size=14), st.text(alphabet="ab", max_size=30))
def test_regular_expressions_never_raise_anything_else_and_end(pattern: str, value: str) -> None:
    try:
        compiled(pattern)
    except ValueError:
        return
    assert ways(pattern) >= 1
    start = perf_counter()
    matches(pattern, value)
    assert perf_counter() - start < 5
