"""The same rules and expressions on our engine and on the real promtool of Prometheus 3: the same answers.

What differs, and is allowed to:

| what | Prometheus 3 | in process |
|---|---|---|
| last digits of a sum, a logarithm, a deviation | its own rounding | exact sums, the C library: equal to 1e-9 |
| `topk`, `bottomk` among equal values | any of them | any of them |
| `absent(x{a=~"b",a="c"})`, two matchers on one label | depends on their order | such a label is left out |
| a rule's label whose template comes to nothing | no label; in `ALERTS` the raw template | no label in either |
| `<error expanding template: …>` | Go's words | Python's words |
| `humanize` and the like of a text that is no number | as above | as above |
| regular expressions | linear time, whatever they are | those that could take very long are refused |
| `{"a.b"}`, names beyond letters, digits and `_` | allowed | in selectors only, not in labels of rules |
| YAML: `<<` | merged | refused; plain anchors and aliases work |
| `external_labels`, `external_url` of a test file | allowed | refused |

Not supported, and refused where a rule is read: subqueries, `@`, negative offsets, `fill`, `anchored`, `smoothed`,
native histograms, `limitk`, `limit_ratio`, every function that the README does not name, and of templates everything
but `$value`, `$labels.NAME`, texts, numbers, pipes and the functions that the README names.
"""

from __future__ import annotations

import math
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from mcp_opentelemetry.alerts.rule_tests import run_tests
from tests.alerts import expressions, random_expressions, rule_sets
from tests.alerts.promtool import BUILD, PROMTOOL, Answers, describe, ours, theirs, write
from tests.effort import part_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not PROMTOOL.exists(), reason=f"no promtool at {PROMTOOL}: {BUILD}")

_SEEDS = 2


def _is_same(one: object, other: object) -> bool:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return str(one).startswith("error:") and str(other).startswith("error:")
    return one.keys() == other.keys() and all(
        one[key] == other[key]
        or (math.isnan(one[key]) and math.isnan(other[key]))
        or math.isclose(one[key], other[key], rel_tol=1e-9, abs_tol=1e-12)
        for key in one
    )


def _compare(questions: list[tuple[str, str]], path: Path) -> Answers:
    mine, real = ours(path), theirs(path)
    assert len(mine.samples) == len(real.samples) == len(questions)
    for question, one, other in zip(questions, mine.samples, real.samples, strict=True):
        assert _is_same(one, other), (question, describe(one), describe(other))
    assert {key: sorted(value) for key, value in mine.alerts.items()} == {
        key: sorted(value) for key, value in real.alerts.items()
    }
    return real


def _compare_rules(folder: Path, rules: dict[str, Any]) -> Answers:
    recorded = [rule["record"] for group in rules["groups"] for rule in group["rules"] if "record" in rule]
    asked = ("ALERTS", "ALERTS_FOR_STATE", *recorded)
    questions = [(name, minute) for minute in rule_sets.MINUTES for name in asked]
    alerts = [(name, minute) for minute in rule_sets.MINUTES for name in rule_sets.alert_names(rules)]
    order = [group["name"] for group in rules["groups"]]
    path = write(
        folder,
        series=expressions.SERIES,
        rules=rules,
        expressions=questions,
        alerts=alerts,
        group_eval_order=order,
    )
    return _compare(questions, path)


def test_every_function_and_operator_gives_what_prometheus_gives(tmp_path: Path) -> None:
    questions = expressions.fixed()
    real = _compare(questions, write(tmp_path, series=expressions.SERIES, expressions=questions))
    with_answer = sum(isinstance(answer, dict) and bool(answer) for answer in real.samples)
    assert with_answer > 1_500
    assert sum(isinstance(answer, str) for answer in real.samples) > 50


@pytest.mark.parametrize("seed", range(_SEEDS))
def test_expressions_put_together_at_random_give_what_prometheus_gives(tmp_path: Path, seed: int) -> None:
    questions = random_expressions.generated(seed, part_of(1_500))
    real = _compare(questions, write(tmp_path, series=expressions.SERIES, expressions=questions))
    assert sum(isinstance(answer, dict) and bool(answer) for answer in real.samples) > 0.4 * len(questions)


def test_states_templates_and_recorded_series_are_those_of_prometheus_at_each_minute(tmp_path: Path) -> None:
    real = _compare_rules(tmp_path, rule_sets.fixed())
    assert sum(map(len, real.alerts.values())) > 4_000


@pytest.mark.parametrize("seed", range(_SEEDS))
def test_rules_put_together_at_random_fire_as_in_prometheus_at_each_minute(tmp_path: Path, seed: int) -> None:
    assert any(_compare_rules(tmp_path, rule_sets.generated(seed)).alerts.values())


@pytest.mark.parametrize(
    "group",
    [
        {"rules": [{"record": "r", "expr": "temperature", "labels": {"room": "", "floor": ""}}]},
        {"rules": [rule_sets.alert("A", "temperature", labels={"room": "same", "floor": "same"})]},
        {"rules": [rule_sets.alert("A", "temperature > -100")], "limit": 2},
        {"rules": [rule_sets.alert("A", "temperature > 15", keep_firing_for="5m")], "limit": 2},
        {"rules": [{"record": "r", "expr": "requests_total"}], "limit": 3},
        {"rules": [rule_sets.alert("A", "requests_total / on (job) requests_total")]},
        {"rules": [rule_sets.alert("A", "-{__name__=~'limit|info'}"), {"record": "r", "expr": "sum(limit) / 0"}]},
        {"rules": [rule_sets.alert("A", "label_replace(limit, 'floor', 'x', '', '')")]},
    ],
)
def test_rules_fail_where_they_fail_in_prometheus(tmp_path: Path, group: dict[str, Any]) -> None:
    path = write(
        tmp_path,
        series=expressions.SERIES,
        rules={"groups": [{"name": "g", **group}]},
        expressions=[("r", moment) for moment in ("1m", "20m")],
    )
    mine, real = ours(path), theirs(path)
    assert bool(mine.errors) == bool(real.errors)
    assert [error.split(" ")[0] for error in mine.errors] == [error.split()[1].rstrip(",") for error in real.errors]
    assert all(map(_is_same, mine.samples, real.samples))


def test_a_test_file_that_promtool_accepts_passes_on_our_engine(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 1m, labels: {severity: page},"
        " annotations: {summary: '{{ $labels.job }} is at {{ $value }}'}}]}]\n"
    )
    path = tmp_path / "tests.yaml"
    path.write_text(
        "rule_files: [rules.yaml]\n"
        "tests:\n"
        "- input_series: [{series: 'up{job=\"a\"}', values: '1 0x3 1 1'}]\n"
        "  start_timestamp: 1700000000\n"
        "  promql_expr_test:\n"
        "  - {expr: 'up + 0.1', eval_time: 1m, exp_samples: [{labels: '{job=\"a\"}', value: 0.1}]}\n"
        "  - {expr: 'time()', eval_time: 90s, exp_samples: [{labels: '{}', value: 1700000090}]}\n"
        "  alert_rule_test:\n"
        "  - {eval_time: 1m, alertname: Down}\n"
        "  - eval_time: 2m30s\n"
        "    alertname: Down\n"
        "    exp_alerts: [{exp_labels: {severity: page, job: a}, exp_annotations: {summary: a is at 0}}]\n"
        "  - {eval_time: 5m, alertname: Down}\n"
    )
    assert run_tests(str(path)).failures == ()
    assert theirs_accepts(path)
    path.write_text(path.read_text().replace("a is at 0", "a is at 1"))
    assert len(run_tests(str(path)).failures) == 1
    assert not theirs_accepts(path)


def theirs_accepts(path: Path) -> bool:
    return subprocess.run([str(PROMTOOL), "test", "rules", str(path)], capture_output=True, check=False).returncode == 0
