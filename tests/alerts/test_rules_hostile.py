"""Rule files that nobody wrote in good faith: none of them raises, hangs or takes good rules along."""

from __future__ import annotations

import math
from time import process_time
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_opentelemetry.alerts.rules import Rules, load_rules, parse_rules
from tests.effort import part_of

if TYPE_CHECKING:
    from pathlib import Path

_HOUR = 3_600.0


def _read(text: str) -> Rules:
    rules = Rules()
    parse_rules(text, "file.yaml", _HOUR, rules)
    return rules


def test_anchors_work_and_a_bomb_of_them_does_not() -> None:
    rules = _read(
        "groups:\n- name: g\n  rules:\n"
        "  - {alert: A, expr: up, labels: &labels {severity: page}}\n"
        "  - {alert: B, expr: up, labels: *labels}\n"
    )
    assert [rule.labels["severity"].text for rule in rules.groups[0].rules] == ["page", "page"]
    names = ("for", "keep_firing_for", "labels", "annotations", "other")
    used = "".join(f"  - {{alert: A, expr: up, {name}: *a29}}\n" for name in names)
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 30))]
    bomb = "".join(f"      {line}\n" for line in lines)
    start = process_time()
    rule = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    annotations:\n"
    problems = _read(f"{rule}{bomb}{used}").problems
    assert "annotations: a text is wanted" in problems[0]
    assert len(problems) == 6
    assert process_time() - start < 5


def test_a_file_of_a_megabyte_is_read_and_a_larger_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    rule = "  - {alert: A, expr: up, annotations: {text: '" + "x" * 9_000 + "'}}\n"
    path.write_text("groups:\n- name: g\n  rules:\n" + rule * 110)
    rules = load_rules([str(path)], math.inf)
    assert len(rules.groups[0].rules) == 110
    path.write_text(path.read_text() + "#" * 2_000_000)
    assert "larger than 2000000 bytes" in load_rules([str(path)], math.inf).problems[0]


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["up", "rate(x[5m])", "5m", "{{ $value }}", "g", "((((", "x[", "{{", "0", "A"]),
)
_KEYS = st.sampled_from(
    [
        "groups",
        "name",
        "interval",
        "limit",
        "query_offset",
        "rules",
        "labels",
        "alert",
        "record",
        "expr",
        "for",
        "keep_firing_for",
        "annotations",
        "other",
    ]
)
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6), max_leaves=15
)
# Each example writes its file anew.
_FUZZ = settings(
    max_examples=part_of(150), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def _load(folder: Path, text: str) -> Rules:
    path = folder / "fuzz.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return load_rules([str(path)], _HOUR)


@_FUZZ
@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_no_text_raises(tmp_path: Path, text: str) -> None:
    _load(tmp_path, text)


@_FUZZ
@given(tree=_TREES)
def test_no_structure_raises(tmp_path: Path, tree: Any) -> None:
    _load(tmp_path, yaml.dump(tree))


@_FUZZ
@given(st.lists(st.dictionaries(_KEYS, _TREES, max_size=8), max_size=3), st.dictionaries(_KEYS, _SCALARS))
def test_no_rule_raises_and_the_good_one_is_always_read(tmp_path: Path, raw: list[Any], group: dict[str, Any]) -> None:
    good = {"alert": "Good", "expr": "up == 0"}
    groups = [{**group, "name": "fuzz", "rules": raw}, {"name": "good", "rules": [*raw, good]}]
    rules = _load(tmp_path, yaml.dump({"groups": groups}))
    assert rules.groups[-1].rules[-1].name == "Good"
