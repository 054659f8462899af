"""Expressions, with results worked out by hand; `test_equivalence.py` asks Prometheus for many more."""

from __future__ import annotations

import math
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_opentelemetry.alerts.given_series import NOTHING, labels_of_series, parse_values
from mcp_opentelemetry.alerts.promql.compiler import compile_expression
from mcp_opentelemetry.alerts.promql.model import Evaluation, EvaluationError, Unsupported
from mcp_opentelemetry.alerts.promql.samples import GivenStorage
from tests.effort import part_of

_SERIES = {
    'calls_total{tool="a"}': "0+6x20",
    'calls_total{tool="b"}': "0 5 10 2 4 _ _ 7",
    'errors_total{tool="a"}': "0+3x20",
    'memory{host="x"}': "1 2 3 4 5 stale",
    'owner{tool="a",team="web"}': "1x20",
    'd_bucket{le="1"}': "0+1x20",
    'd_bucket{le="2"}': "0+3x20",
    'd_bucket{le="+Inf"}': "0+4x20",
}


def _storage() -> GivenStorage:
    storage = GivenStorage()
    for series, values in _SERIES.items():
        for minute, value in enumerate(parse_values(values)):
            if value is not NOTHING:
                storage.add(labels_of_series(series), 60.0 * minute, value)  # type: ignore[arg-type]
    return storage


def _value(expression: str, minute: float = 10) -> object:
    return compile_expression(expression).evaluate(Evaluation(_storage(), 60.0 * minute))


def _by_series(text: dict[str, float]) -> object:
    return {labels_of_series(series): value for series, value in text.items()}


@pytest.mark.parametrize(
    ("expression", "minute", "expected"),
    [
        # Six a minute. Five samples in the left-open range, extrapolated from four minutes to five.
        ('rate(calls_total{tool="a"}[5m])', 10, {'{tool="a"}': 0.1}),
        ('increase(calls_total{tool="a"}[5m])', 10, {'{tool="a"}': 30}),
        # 10, 2, 4: down to 2 is a reset, so it went up by 2 and by 2; 2 minutes are extrapolated to 3.
        ('increase(calls_total{tool="b"}[3m])', 4, {'{tool="b"}': 6}),
        ('irate(calls_total{tool="b"}[5m])', 3, {'{tool="b"}': 2 / 60}),
        ('resets(calls_total{tool="b"}[10m])', 7, {'{tool="b"}': 1}),
        ('changes(calls_total{tool="b"}[10m])', 7, {'{tool="b"}': 5}),
        ("delta(memory[3m])", 4, {'{host="x"}': 3}),
        ("avg_over_time(memory[3m])", 4, {'{host="x"}': 4}),
        ("memory", 4, {'memory{host="x"}': 5}),
        ("memory", 5, {}),
        ("max_over_time(memory[10m])", 8, {'{host="x"}': 5}),
        ("memory offset 2m", 6, {'memory{host="x"}': 5}),
        ('calls_total{tool="b"}', 11, {'calls_total{tool="b"}': 7}),
        ('calls_total{tool="b"}', 12, {}),
        ("errors_total / calls_total", 10, {'{tool="a"}': 0.5}),
        ("errors_total / calls_total > 0.5", 10, {}),
        ("errors_total / calls_total >= bool 0.5", 10, {'{tool="a"}': 1}),
        ("calls_total * on (tool) group_left (team) owner", 10, {'{tool="a",team="web"}': 60}),
        ("sum(calls_total)", 10, {"{}": 67}),
        ("histogram_quantile(0.5, d_bucket)", 4, {"{}": 1.5}),
        ('absent(nothing{tool="a"})', 4, {'{tool="a"}': 1}),
        ('label_replace(memory, "site", "$1-1", "host", "(.*)") > 0', 3, {'memory{host="x",site="x-1"}': 4}),
    ],
)  # fmt: skip
def test_expression_comes_to_what_was_worked_out(expression: str, minute: float, expected: dict[str, float]) -> None:
    found = _value(expression, minute)
    assert isinstance(found, dict)
    assert found == pytest.approx(_by_series(expected))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("1 / 0", math.inf), ("-1 / 0", -math.inf), ("7 % 4", 3), ("2 ^ -1", 0.5), ("time()", 600), ("3 > bool 2", 1)],
)
def test_numbers_are_computed_as_in_prometheus(expression: str, expected: float) -> None:
    assert _value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("max_over_time(memory[5m:1m])", "a subquery"),
        ("memory[5m]", "a range outside a function"),
        ("memory @ 5", "the modifier @"),
        ("memory offset -5m", "into the future"),
        ("deriv(memory[5m])", "the function deriv"),
        ("limitk(1, memory)", "the aggregation limitk"),
        ('{a="b" or c="d"}', "alternatives"),
        ('memory{host=~"(a+)+b"}', "may take too long"),
        ('memory{host=~"[[:alpha:]]"}', "is not supported in process"),
        ('label_replace(memory, "a", "b", "c", "(?=x)")', "is not supported in process"),
        ("sum by (" + "a," * 1_500 + "b) (memory)", "too large"),
        ("+".join(["memory"] * 152), "too large"),
        ("+".join(["memory"] * 120), "100 within each other"),
        ("1" + "^-1" * 100, "too large"),
        ("(" * 51 + "1" + ")" * 51, "too large"),
        ("abs(" * 20_000, "too large"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_name(expression: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason.replace("(", r"\(")):
        compile_expression(expression, 3_600)


def test_range_beyond_what_is_kept_is_refused() -> None:
    compile_expression("rate(memory[1h])", 3_600)
    with pytest.raises(Unsupported, match=r"look 3660 s back"):
        compile_expression("rate(memory[1h] offset 1m)", 3_600)


@pytest.mark.parametrize(
    "expression", ["", "memory{", "rate(memory)", "sum(1)", "1 > 2", "{}", "'", "label_join(m,'','')"]
)
def test_what_is_no_promql_is_an_error_of_its_own(expression: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (whatever the parser says)
        compile_expression(expression)
    assert not isinstance(raised.value, Unsupported)


@pytest.mark.parametrize(
    "expression",
    [
        "{__name__=~'calls_total|errors_total'} * 2",
        "calls_total / on () calls_total",
        "calls_total and on () memory + ignoring (tool, host) calls_total",
        "-{__name__=~'calls_total|errors_total'}",
        "topk(NaN, calls_total)",
    ],
)
def test_ambiguous_expressions_have_no_answer(expression: str) -> None:
    with pytest.raises(EvaluationError):
        _value(expression, 4)


def test_quotes_in_texts_do_not_make_two_expressions_one() -> None:
    storage = GivenStorage()
    storage.add(labels_of_series('x{a="b",c="d"}'), 0, 1.0)
    found = compile_expression(r'x{a="b",c="d"} unless x{a="b\",c=\"d"}').evaluate(Evaluation(storage, 0))
    assert len(found) == 1


def test_what_expressions_share_is_evaluated_once() -> None:
    class Counting(GivenStorage):
        selections = 0

        def select(self, matchers):
            Counting.selections += 1
            return super().select(matchers)

    evaluation = Evaluation(Counting(), 0.0)
    for number in range(5):
        compile_expression(f"rate(x[5m]) > {number} or rate( x[5m]) or increase(x[2m])").evaluate(evaluation)
    assert Counting.selections == 1


def test_evaluation_ends_at_its_deadline() -> None:
    with pytest.raises(EvaluationError, match="too long"):
        compile_expression("sum(x)").evaluate(Evaluation(GivenStorage(), 0.0, deadline=perf_counter() - 1))


def test_labels_made_of_themselves_do_not_fill_the_memory() -> None:
    expression = "memory"
    for _ in range(40):
        expression = f'label_join({expression}, "host", "", "host", "host")'
    with pytest.raises(EvaluationError, match="longer than"):
        _value(expression, 4)


@settings(max_examples=part_of(200))
@given(st.text(alphabet="abx_ (){}[]=~!\"'5m,+-*/<>%^@:offsetbyunlderignoring.\\`\n", max_size=60))
def test_no_text_makes_the_compiler_raise_anything_but_what_it_promises(text: str) -> None:
    try:
        compile_expression(text).evaluate(Evaluation(_storage(), 60.0))
    except ValueError:
        return
