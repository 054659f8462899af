"""Tests of rules in promtool's own format, run on our engine: what to expect of it is what Prometheus' tool expects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import yaml

from mcp_opentelemetry.alerts.engine import Engine
from mcp_opentelemetry.alerts.given_series import NOTHING, labels_of_series, parse_values
from mcp_opentelemetry.alerts.promql.compiler import compile_expression
from mcp_opentelemetry.alerts.promql.durations import seconds_of
from mcp_opentelemetry.alerts.promql.model import Labels, Vector, labels_of
from mcp_opentelemetry.alerts.promql.samples import GivenStorage
from mcp_opentelemetry.alerts.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcp_opentelemetry.alerts.rule import Group

Firing = list[tuple[Labels, dict[str, str]]]

_MINUTE: Final = 60.0
_TOLERANCE: Final = 1e-9
_FILE_KEYS: Final = frozenset({"rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"})
_TEST_KEYS: Final = frozenset(
    {"name", "interval", "input_series", "alert_rule_test", "promql_expr_test", "start_timestamp"}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test file has come to.

    Args:
        tests: how many it has.
        failures: what was expected and not met.
    """

    tests: int
    failures: tuple[str, ...]


def run_tests(path: str) -> Outcome:
    """Run a test file.

    Args:
        path: of a file in promtool's format.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no test file, or the rules that it names are not supported.
        yaml.YAMLError: it is no YAML.
    """
    tests = read_tests(path)
    failures = [f"{test.name}: {failure}" for test in tests for failure in test.failures()]
    return Outcome(len(tests), tuple(failures))


def read_tests(path: str) -> list[RuleTest]:
    """Read a test file; raises what `run_tests` does."""
    document: object = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    file = _mapping(document, _FILE_KEYS, path)
    patterns: list[object] = file.get("rule_files") or []
    rules = load_rules([str(Path(path).parent / str(pattern)) for pattern in patterns], math.inf)
    if rules.problems:
        raise ValueError("; ".join(rules.problems))
    order = {name: place for place, name in enumerate(file.get("group_eval_order") or [])}
    groups = sorted(rules.groups, key=lambda group: order.get(group.name, 0))
    interval = _seconds(file.get("evaluation_interval") or "0") or _MINUTE
    tests: list[Any] = file.get("tests") or []
    return [
        RuleTest(_mapping(test, _TEST_KEYS, f"{path}: test {number}"), groups, interval, f"test {number}")
        for number, test in enumerate(tests, 1)
    ]


class RuleTest:
    """One test of a file.

    Args:
        test: as it was read.
        groups: of rules.
        interval: seconds between two evaluations, of all groups whatever their own is, as with promtool.
        name: for messages, if it has none.

    Raises:
        ValueError: a series or its values mean nothing.
    """

    def __init__(self, test: Mapping[str, Any], groups: Sequence[Group], interval: float, name: str) -> None:
        self.name = test.get("name") or name
        self.alert_tests: list[dict[str, Any]] = test.get("alert_rule_test") or []
        self.expression_tests: list[dict[str, Any]] = test.get("promql_expr_test") or []
        self._interval = interval
        self._start = _moment(test.get("start_timestamp"))
        storage = GivenStorage()
        step = _seconds(test.get("interval") or "0") or interval
        series: list[dict[str, Any]] = test.get("input_series") or []
        for given in series:
            labels = labels_of_series(given["series"])
            for place, value in enumerate(parse_values(str(given["values"]))):
                if value is not NOTHING:
                    storage.add(labels, self._start + place * step, cast("float | None", value))
        self._engine = Engine(groups, storage, shows_alerts=True)

    def failures(self) -> Iterator[str]:
        """Evaluate moment by moment, compare alerts at each that is asked for, and expressions at the end."""
        times = sorted(_seconds(test["eval_time"]) for test in self.alert_tests + self.expression_tests)
        steps = math.floor(max(times, default=0.0) / self._interval + _TOLERANCE)
        for place in range(steps + 1):
            now = place * self._interval
            self._engine.evaluate(self._engine.groups, self._start + now)
            errors = [(rule, status) for _, rule, status in self._engine.statuses() if status.health == "error"]
            if errors:
                yield from (f"{rule.name} at {now:g} s: {status.error}" for rule, status in errors)
                return
            for test in self.alert_tests:
                if now <= _seconds(test["eval_time"]) < now + self._interval:
                    yield from self._compare_alerts(test)
        for test in self.expression_tests:
            yield from self._compare_samples(test)

    def firing(self, name: str) -> Firing:
        """Return labels and annotations of the alerts of a rule that fire by now."""
        found = (alert for alert in self._engine.alerts() if alert.name == name and alert.state == "firing")
        return [(labels_of(alert.labels), dict(alert.annotations)) for alert in found]

    def samples(self, expression: str, eval_time: str) -> Vector:
        """Return what an expression comes to; raises `ValueError` if that is nothing."""
        value = self._engine.query(compile_expression(expression), self._start + _seconds(eval_time))
        if isinstance(value, str):
            raise ValueError("a text is no result")  # noqa: TRY004 (the expression's value)
        return value if isinstance(value, dict) else cast("Vector", {(): value})

    def _compare_alerts(self, test: Mapping[str, Any]) -> Iterator[str]:
        name = test["alertname"]
        alerts: list[dict[str, Any]] = test.get("exp_alerts") or []
        expected = [
            (labels_of({**_texts(each.get("exp_labels")), "alertname": name}), _texts(each.get("exp_annotations")))
            for each in alerts
        ]
        found = sorted(self.firing(name), key=repr)
        expected.sort(key=repr)
        if found != expected:
            yield f"alert {name} at {test['eval_time']}: expected {expected}, got {found}"

    def _compare_samples(self, test: Mapping[str, Any]) -> Iterator[str]:
        what = f"{test['expr']} at {test['eval_time']}"
        try:
            found = self.samples(test["expr"], test["eval_time"])
        except ValueError as error:
            yield f"{what}: {error}"
            return
        samples: list[dict[str, Any]] = test.get("exp_samples") or []
        expected = {labels_of_series(each["labels"]): float(each["value"]) for each in samples}
        if found.keys() != expected.keys() or not all(_is_near(found[key], expected[key]) for key in found):
            yield f"{what}: expected {expected}, got {found}"


def _mapping(raw: object, allowed: frozenset[str], what: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError(f"{what}: a mapping is wanted")  # noqa: TRY004 (the file's value)
    mapping = cast("dict[str, Any]", raw)
    if others := mapping.keys() - allowed:
        raise ValueError(f"{what}: {min(map(str, others))!r} is not supported; allowed: {', '.join(sorted(allowed))}")
    return mapping


def _texts(raw: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): str(value) for key, value in (raw or {}).items()}


def _seconds(raw: object) -> float:
    return seconds_of(str(raw))


def _moment(raw: object) -> float:
    if raw is None:
        return 0.0
    if isinstance(raw, datetime):
        return raw.replace(tzinfo=raw.tzinfo or timezone.utc).timestamp()
    return float(str(raw))


def _is_near(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=_TOLERANCE)
