"""The real promtool, asked what rules and expressions come to."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from mcp_opentelemetry.alerts.promql.model import Labels, labels_of
from mcp_opentelemetry.alerts.rule_tests import read_tests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PROMTOOL: Final = Path(os.environ.get("PROMTOOL") or Path.home() / ".cache/mcp-opentelemetry/promtool")
BUILD: Final = "tests/integration/build_prometheus.sh builds it (or set PROMTOOL)"
IMPOSSIBLE: Final = "expected_nowhere"
"""A label that nothing has, so that promtool says what it has got instead."""

_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_SERIES: Final = re.compile(rf"\{{((?:[^=,{{}} ]+={_TEXT}(?:, )?)*)\}} (\S+?)(?=, \{{|$)")
_LABEL: Final = re.compile(rf'("?[^=," ]+"?)=({_TEXT})')
_QUESTION: Final = re.compile(
    rf"^    expr: (?P<expr>{_TEXT}), time: (?P<time>\w+)"
    r"(?:, err: (?P<error>.*)|,\n        exp: .*\n        got: (?P<got>.*))$",
    re.MULTILINE,
)
_ALERT: Final = re.compile(
    r"^    alertname: (?P<name>\w+), time: (?P<time>\w+), \n        exp:.*?\n        got:(?P<got>\[\]|\[\n.*?\n +\])$",
    re.MULTILINE | re.DOTALL,
)
_ONE_ALERT: Final = re.compile(r"Labels:\{(.*)\}\n +Annotations:\{(.*)\}")

Samples = dict[Labels, float]
Alerts = list[tuple[Labels, Labels]]


@dataclass
class Answers:
    """What expressions and alerts come to: by what was asked, in the order of the questions.

    Args:
        samples: by expression and time; a text where there is no answer.
        alerts: those that fire, by name and time.
        errors: what rules could not be evaluated.
    """

    samples: list[Samples | str] = field(default_factory=list)
    alerts: dict[tuple[str, str], Alerts] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def write(
    folder: Path,
    *,
    series: Mapping[str, str],
    rules: Mapping[str, Any] | None = None,
    expressions: Iterable[tuple[str, str]] = (),
    alerts: Iterable[tuple[str, str]] = (),
    **others: Any,
) -> Path:
    """Write a test file that expects what cannot be, and its rule file; returns the test file's path.

    Args:
        folder: where to.
        series: values, by series.
        rules: the rule file.
        expressions: PromQL, each with a moment.
        alerts: names, each with a moment.
        others: further keys of the test file.
    """
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules or {"groups": []}, sort_keys=False))
    wrong = {"labels": f'{{{IMPOSSIBLE}="1"}}', "value": 0}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": when, "exp_samples": [wrong]} for expr, when in expressions],
        "alert_rule_test": [
            {"alertname": name, "eval_time": when, "exp_alerts": [{"exp_labels": {IMPOSSIBLE: "1"}}]}
            for name, when in alerts
        ],
    }
    path = folder / "tests.yaml"
    path.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], **others, "tests": [test]}, sort_keys=False))
    return path


def theirs(path: Path) -> Answers:
    """Return what promtool says."""
    output = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    said = output.stdout + output.stderr
    answers = Answers()
    for match in _QUESTION.finditer(said):
        answers.samples.append(f"error: {match['error']}" if match["got"] is None else _samples(match["got"]))
    for match in _ALERT.finditer(said):
        found = _ONE_ALERT.findall(match["got"])
        answers.alerts[match["name"], match["time"]] = [(_labels(one), _labels(other)) for one, other in found]
    answers.errors = re.findall(r"^    rule: .*$", said, re.MULTILINE)
    known = answers.samples or answers.alerts or answers.errors or "SUCCESS" in said
    assert known, said[-3_000:]
    return answers


def ours(path: Path) -> Answers:
    """Return what our engine says."""
    (test,) = read_tests(str(path))
    answers = Answers()
    compare = test._compare_alerts

    def note(asked: Mapping[str, Any]) -> Any:
        firing = [(labels, labels_of(annotations)) for labels, annotations in test.firing(asked["alertname"])]
        answers.alerts[asked["alertname"], asked["eval_time"]] = firing
        return compare(asked)

    test._compare_alerts = note  # type: ignore[method-assign]
    failures = list(test.failures())
    answers.errors = [failure for failure in failures if " s: " in failure and not failure.startswith("alert ")]
    if not answers.errors:
        for asked in test.expression_tests:
            try:
                answers.samples.append(test.samples(asked["expr"], asked["eval_time"]))
            except ValueError as error:
                answers.samples.append(f"error: {error}")
    return answers


def _samples(text: str) -> Samples | str:
    if text == "nil":
        return {}
    found = {_labels(labels): float(value) for labels, value in _SERIES.findall(text)}
    return found or f"not understood: {text}"


def _labels(text: str) -> Labels:
    return labels_of({name.strip('"'): json.loads(value) for name, value in _LABEL.findall(text)})


def describe(answer: object) -> Sequence[str]:
    """Return an answer in a form that two can be compared in by eye."""
    if not isinstance(answer, dict):
        return [str(answer)]
    return sorted(f"{dict(labels)} {value!r}" for labels, value in answer.items())
