"""Many rules over many tools: what one evaluation costs, and that no expression takes for ever."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING, Any

import pytest

from mcp_opentelemetry.alerts.engine import Engine
from mcp_opentelemetry.alerts.promql.model import NAME, labels_of
from mcp_opentelemetry.alerts.promql.samples import GivenStorage
from mcp_opentelemetry.alerts.rules import Rules, parse_rules

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

_STEP = 10.0
_SAMPLES = 31  # five minutes and one
_END = _STEP * (_SAMPLES - 1)
_BOUNDS = ("0.01", "0.1", "1", "10", "+Inf")
# What people write: a share of errors, a latency, a rate, a gauge, each with a threshold of its own.
_EXPRESSIONS = (
    (
        "sum without (error_type) (increase(mcp_errors_total[5m]))"
        " / sum without (status) (increase(mcp_requests_total[5m])) > 0.{n:03}"
    ),
    "histogram_quantile(0.95, sum by (tool, le) (rate(duration_bucket[5m]))) > {n}",
    'rate(mcp_requests_total{{status="error"}}[5m]) > {n}',
    'sum(rate(mcp_requests_total{{tool=~"tool_{digit}.*"}}[1m])) < 0.00{n:03}',
    "memory > {n}",
    'increase(mcp_requests_total{{tool="tool_{n}"}}[2m]) > {n}',
)


def storage_of(tools: int) -> GivenStorage:
    """Return five minutes of every series of so many tools."""
    storage = GivenStorage()
    for number in range(tools):
        tool = f"tool_{number}"
        series: list[tuple[dict[str, str], float]] = [
            *(({NAME: "mcp_requests_total", "status": status}, 1.0 + number % 7) for status in ("success", "error")),
            *(({NAME: "mcp_errors_total", "error_type": kind}, 0.5) for kind in ("tool_error", "timeout")),
            *(({NAME: "duration_bucket", "le": bound}, 1.0 + place) for place, bound in enumerate(_BOUNDS)),
            ({NAME: "memory"}, 0.0),
        ]
        for labels, slope in series:
            key = labels_of({**labels, "tool": tool, "job": "weather", "instance": "host:1"})
            for place in range(_SAMPLES):
                storage.add(key, place * _STEP, slope * place)
    return storage


def engine_of(rules: int, tools: int) -> Engine:
    """Return an engine with so many rules, all different, over so many tools."""
    expressions = (_EXPRESSIONS[n % len(_EXPRESSIONS)].format(n=n, digit=n % 10) for n in range(rules))
    text = "\n".join(
        f"  - {{alert: Rule{n}, expr: '{expression}', for: 1m, annotations: {{summary: '{{{{ $value }}}}'}}}}"
        for n, expression in enumerate(expressions)
    )
    read = Rules()
    parse_rules(f"groups:\n- name: many\n  rules:\n{text}\n", "benchmark", 3_600, read)
    assert not read.problems
    return Engine(read.groups, storage_of(tools))


@pytest.mark.benchmark(group="rules", timer=process_time)
def test_cpu_of_an_evaluation_of_500_rules_over_200_tools(benchmark: BenchmarkFixture) -> None:
    engine = engine_of(20, 10) if benchmark.disabled else engine_of(500, 200)
    moments = iter(range(1_000))

    def evaluate() -> None:
        engine.evaluate(engine.groups, _END + next(moments))

    benchmark.pedantic(evaluate, rounds=10, warmup_rounds=1)
    assert not engine.failures
    benchmark.extra_info["alerts"] = len(engine.alerts())


@pytest.mark.parametrize(
    "expression",
    [
        " + ".join(["sum(rate(duration_bucket[5m]))"] * 60),
        " or ".join(f"topk({n}, duration_bucket)" for n in range(60)),
        "duration_bucket * on (le) group_left () sum by (le) (duration_bucket)",
        "count_values('v', rate(duration_bucket[5m]))",
        'label_replace(duration_bucket{tool=~"(.*)(.*)(.*)x"}, "a", "$1$1$1$1", "tool", "(.*)(.*)(.*)(.*)")',
    ],
)
def test_the_worst_that_is_supported_ends_soon(expression: str) -> None:
    rules: Any = Rules()
    parse_rules(
        f"groups: [{{name: g, rules: [{{alert: A, expr: {expression!r}}}]}}]".replace("\\'", "''"), "f", 1e9, rules
    )
    assert not rules.problems
    engine = Engine(rules.groups, storage_of(100))
    start = process_time()
    engine.evaluate(engine.groups, _END)
    assert process_time() - start < 5
