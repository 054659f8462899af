"""Rule files: good rules are read, each mistake is named with its place, and nothing that stands in a file raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_opentelemetry.alerts.rules import Rules, load_rules, parse_rules
from mcp_opentelemetry.alerts.template import Facts

if TYPE_CHECKING:
    from pathlib import Path

_HOUR = 3_600.0


def _read(text: str, longest: float = _HOUR) -> Rules:
    rules = Rules()
    parse_rules(text, "file.yaml", longest, rules)
    return rules


def _rule(text: str) -> str:
    return f"groups:\n- name: g\n  rules:\n  - {{{text}}}\n  - {{alert: Good, expr: up == 0}}\n"


def test_every_key_of_a_rule_file_is_read() -> None:
    rules = _read(
        "groups:\n"
        "- name: g\n"
        "  interval: 30s\n"
        "  limit: 5\n"
        "  query_offset: 1m\n"
        "  labels: {team: core, severity: info}\n"
        "  rules:\n"
        "  - alert: A\n"
        "    expr: up == 0\n"
        "    for: 1h30m\n"
        "    keep_firing_for: 90s\n"
        "    labels: {severity: '{{ $labels.job }}'}\n"
        "    annotations: {summary: '{{ $value }}', empty: ''}\n"
        "  - record: a:b\n"
        "    expr: 1\n"
        "    labels: {severity: '{{ $labels.job }}'}\n"
    )
    (group,) = rules.groups
    assert not rules.problems
    assert (group.name, group.interval, group.limit, group.offset, group.file) == ("g", 30, 5, 60, "file.yaml")
    alert, record = group.rules
    assert (alert.name, alert.is_alert, alert.hold, alert.keep) == ("A", True, 5_400, 90)
    assert alert.place == "file.yaml:8"
    facts = Facts({"job": "web"}, 1.5)
    assert {name: label.expand(facts) for name, label in alert.labels.items()} == {"team": "core", "severity": "web"}
    assert {name: text.expand(facts) for name, text in alert.annotations.items()} == {"summary": "1.5", "empty": ""}
    assert (record.name, record.is_alert, record.expression.text) == ("a:b", False, "1")
    assert record.labels["severity"].expand(facts) == "{{ $labels.job }}"


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("alert: A, expr: 'up =='", "'up ==' is no PromQL: "),
        ("alert: A, expr: 'max_over_time(up[5m:])'", "is not supported in process: a subquery is not supported"),
        ("alert: A, expr: 'rate(up[2h])'", "is not supported in process: the range and its offset look 7200 s back"),
        ("alert: A, expr: ''", "a rule has an expr"),
        ("alert: A", "a rule has an expr"),
        ("alert: A, expr: [up]", "expr: a text is wanted"),
        ("alert: A, expr: up, for: 5", "'5' is no duration"),
        ("alert: A, expr: up, for: -5m", "is no duration"),
        ("alert: A, expr: up, for: ", "is no duration"),
        ("alert: A, expr: up, for: [5m]", "for: a text is wanted"),
        ("alert: A, expr: up, keep_firing_for: soon", "'soon' is no duration"),
        ("alert: A, expr: up, labels: [a]", "labels: a mapping is wanted"),
        ("alert: A, expr: up, labels: {a: {b: c}}", "labels: a text is wanted"),
        ("alert: A, expr: up, labels: {a-b: c}", "'a-b' is no name of a label"),
        ("alert: A, expr: up, labels: {__name__: c}", "'__name__' is no name of a label"),
        ("alert: A, expr: up, annotations: {a: '{{ query 1 }}'}", "template function 'query' is not supported"),
        ("alert: A, expr: up, annotations: {a: '{{ $value'}", "{{ without }}"),
        ("alert: A, expr: up, severity: page", "'severity' is nothing that a rule has"),
        ("alert: A, record: b, expr: up", "a rule has either alert or record"),
        ("expr: up", "a rule has either alert or record"),
        ("alert: '', expr: up", "a rule has either alert or record"),
        ("alert: [A], expr: up", "alert: a text is wanted"),
        ("record: 'a b', expr: up", "what is recorded has a metric's name"),
        ("record: a, expr: up, for: 1m", "what is recorded has a metric's name, and neither for"),
        ("record: a, expr: up, annotations: {}", "neither for, keep_firing_for nor annotations"),
        ("alert: A, expr: 'up{a=~\"(b+)+\"}'", "may take too long in process"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_keeps_out_only_its_rule(rule: str, problem: str) -> None:
    rules = _read(_rule(rule))
    assert [each.name for group in rules.groups for each in group.rules] == ["Good"]
    (said,) = rules.problems
    assert said.startswith("file.yaml:4, group 'g'")
    assert problem in said
    assert said.endswith("; the rule is left out")
    assert (", rule 'A'" in said) == rule.startswith("alert: A")


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        ("5", "a group: a mapping is wanted"),
        ("{rules: []}", "a group has a name"),
        ("{name: '', rules: []}", "a group has a name"),
        ("{name: good, rules: []}", "two groups are named 'good'"),
        ("{name: g, rules: {a: b}}", "rules: a list is wanted"),
        ("{name: g, interval: often}", "'often' is no duration"),
        ("{name: g, limit: many}", "limit 'many' is no whole number"),
        ("{name: g, limit: [1]}", "limit: a text is wanted"),
        ("{name: g, partial_response: x}", "'partial_response' is nothing that a group has"),
        ("{name: g, labels: {'': x}}", "'' is no name of a label"),
    ],
)
def test_a_wrong_group_takes_no_other_along(group: str, problem: str) -> None:
    rules = _read(f"groups:\n- {{name: good, rules: []}}\n- {group}\n- {{name: last}}\n")
    assert [each.name for each in rules.groups] == ["good", "last"]
    (said,) = rules.problems
    assert said.startswith("file.yaml")
    assert problem in said
    assert said.endswith("; the group is left out")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("5", "a mapping is wanted"),
        ("groups: 5", "groups: a list is wanted"),
        ("rules: []", "'rules' is nothing that a rule file has"),
        ("groups: [", "while parsing"),
        ("\x00", "special characters"),
        ("groups: [{name: g, name: h}]", "the key 'name' stands there twice"),
        ("groups: [{<<: {name: g}}]", "'<<' is not supported"),
        ("groups: [{? [a] : b}]", "a key is a text"),
        ("&a [*a]", "recursive"),
        ("[" * 50_000, "recursion"),
        ("a: " * 5_000, "mapping values"),
        ("- " * 3_000, "recursion"),
    ],
)
def test_what_is_no_rule_file_is_left_out(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    (said,) = load_rules([str(path)], _HOUR).problems
    assert said.startswith(f"{path}: ")
    assert problem in said
    assert said.endswith("; the file is left out")


def test_an_empty_file_has_no_rules_and_no_problem(tmp_path: Path) -> None:
    for number, text in enumerate(("", "# nothing\n", "groups:\n", "{}", "groups: []")):
        (tmp_path / f"{number}.yaml").write_text(text)
    assert load_rules([str(tmp_path / "*.yaml")], _HOUR) == Rules()


def test_globs_name_several_files_and_what_is_not_there_is_said(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.rules").write_text(f"groups: [{{name: {name}}}]")
    (tmp_path / "binary.dat").write_bytes(b"\xff\xfe\x00")
    patterns = [str(tmp_path / name) for name in ("*.rules", "none", "n*", "binary.dat", "")]
    rules = load_rules(patterns, _HOUR)
    assert [group.name for group in rules.groups] == ["a", "b"]
    assert "none: [Errno 2] No such file" in rules.problems[0]
    assert "n*: no such file" in rules.problems[1]
    assert "binary.dat: 'utf-8' codec" in rules.problems[2]
    assert "Is a directory" in rules.problems[3]


def test_scalars_are_the_texts_that_stand_there() -> None:
    (group,) = _read(
        _rule("alert: 007, expr: 1e3, labels: {a: 1.0, b: yes, c: 0x10, d: 2024-01-01, e: 1:30, f: }")
    ).groups
    alert = group.rules[0]
    assert (alert.name, alert.expression.text) == ("007", "1e3")
    assert {name: label.text for name, label in alert.labels.items()} == {
        "a": "1.0", "b": "yes", "c": "0x10", "d": "2024-01-01", "e": "1:30", "f": "",
    }  # fmt: skip


def test_the_second_document_of_a_file_is_not_read() -> None:
    assert [group.name for group in _read("groups: [{name: a}]\n---\ngroups: [{name: b}]\n").groups] == ["a"]
