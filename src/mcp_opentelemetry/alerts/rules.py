"""Prometheus rule files, read into rules that can be evaluated; what is wrong with one keeps only that one out."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import yaml

from mcp_opentelemetry.alerts import yaml_lines
from mcp_opentelemetry.alerts.promql.compiler import Expression, compile_expression
from mcp_opentelemetry.alerts.promql.durations import seconds_of
from mcp_opentelemetry.alerts.promql.model import Unsupported
from mcp_opentelemetry.alerts.rule import Group, Rule
from mcp_opentelemetry.alerts.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST_FILE: Final = 2_000_000  # bytes
_SHOWN: Final = 500  # characters of an expression
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_KEYS: Final = frozenset({"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"})
_ONLY_OF_ALERTS: Final = frozenset({"for", "keep_firing_for", "annotations"})
_GROUP_KEYS: Final = frozenset({"name", "interval", "query_offset", "limit", "labels", "rules"})


@dataclass(slots=True)
class Rules:
    """What rule files come to: the groups that can be evaluated, and what is wrong with the rest."""

    groups: list[Group] = field(default_factory=list[Group])
    problems: list[str] = field(default_factory=list[str])


def load_rules(patterns: Iterable[str], longest: float) -> Rules:
    """Read rule files.

    Args:
        patterns: paths, in which `*` and the like stand for several files.
        longest: how far back an expression may look, in seconds.
    """
    rules = Rules()
    for pattern in patterns:
        paths = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]  # noqa: PTH207 (absolute patterns too)
        if not paths:
            rules.problems.append(f"{pattern}: no such file")
        for path in paths:
            read_rules(path, longest, rules)
    return rules


def read_rules(path: str, longest: float, rules: Rules) -> None:
    """Read one rule file, and add what it comes to."""
    try:
        parse_rules(_text_of(path), path, longest, rules)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        rules.problems.append(f"{path}: {words}; the file is left out")


def _text_of(path: str) -> str:
    if Path(path).stat().st_size > _LONGEST_FILE:
        raise ValueError(f"larger than {_LONGEST_FILE} bytes")
    return Path(path).read_text(encoding="utf-8")


def parse_rules(text: str, file: str, longest: float, rules: Rules) -> None:
    """Read the text of a rule file, and add what it comes to.

    Args:
        text: YAML.
        file: its name, for messages.
        longest: how far back an expression may look, in seconds.
        rules: what is added to.

    Raises:
        ValueError: it is no rule file.
        yaml.YAMLError: it is no YAML.
    """
    document = yaml_lines.load(text)
    if not document:
        return
    content = _mapping(document, "a rule file", frozenset({"groups"}))
    for raw in _list(content.get("groups"), "groups"):
        try:
            rules.groups.append(_group(raw, file, longest, rules))
        except ValueError as error:  # noqa: PERF203 (one wrong group takes no other along)
            rules.problems.append(f"{file}{_line(raw)}: {error}; the group is left out")


def _group(raw: object, file: str, longest: float, known: Rules) -> Group:
    group = _mapping(raw, "a group", _GROUP_KEYS)
    name = _text(group.get("name"), "name")
    if not name:
        raise ValueError("a group has a name")
    if any(other.name == name and other.file == file for other in known.groups):
        raise ValueError(f"two groups are named {name!r}")
    common = _labels(group.get("labels"))
    offset = _seconds(group, "query_offset")
    limit = _text(group.get("limit"), "limit") or "0"
    if not re.fullmatch(r"-?\d{1,9}", limit, re.ASCII):
        raise ValueError(f"limit {limit[:40]!r} is no whole number")
    rules: list[Rule] = []
    for raw_rule in _list(group.get("rules"), "rules"):
        place = f"{file}{_line(raw_rule)}"
        try:
            rules.append(_rule(raw_rule, common, place, longest - offset))
        except ValueError as error:
            known.problems.append(f"{place}, group {name!r}{_named(raw_rule)}: {error}; the rule is left out")
    return Group(name, tuple(rules), _seconds(group, "interval") or None, max(0, int(limit)), offset, file)


def _rule(raw: object, common: Mapping[str, str], place: str, longest: float) -> Rule:
    rule = _mapping(raw, "a rule", _KEYS)
    alert, record = _text(rule.get("alert"), "alert"), _text(rule.get("record"), "record")
    if bool(alert) == bool(record):
        raise ValueError("a rule has either alert or record")
    text = _text(rule.get("expr"), "expr")
    if not text.strip():
        raise ValueError("a rule has an expr")
    if record and (not _METRIC.fullmatch(record) or rule.keys() & _ONLY_OF_ALERTS):
        raise ValueError("what is recorded has a metric's name, and neither for, keep_firing_for nor annotations")
    labels = {**common, **_labels(rule.get("labels"))}
    annotations = _texts(rule.get("annotations"), "annotations")
    make = Template if alert else Template.literal  # what is recorded has no templates
    return Rule(
        alert or record,
        bool(alert),
        _expression(text, longest),
        hold=_seconds(rule, "for"),
        keep=_seconds(rule, "keep_firing_for"),
        labels={label: make(value) for label, value in labels.items()},
        annotations={key: Template(value) for key, value in annotations.items()},
        place=place,
    )


def _expression(text: str, longest: float) -> Expression:
    try:
        return compile_expression(text, longest)
    except ValueError as error:
        kind = "is not supported in process" if isinstance(error, Unsupported) else "is no PromQL"
        words = " ".join(text.split())
        shown = words if len(words) <= _SHOWN else words[:_SHOWN] + "…"
        raise ValueError(f"{shown!r} {kind}: {error}") from error


def _labels(raw: object) -> dict[str, str]:
    labels = _texts(raw, "labels")
    if wrong := [label for label in labels if not _LABEL.fullmatch(label) or label == "__name__"]:
        raise ValueError(f"{wrong[0][:40]!r} is no name of a label")
    return labels


def _texts(raw: object, what: str) -> dict[str, str]:
    return {str(key): _text(value, what) for key, value in _mapping(raw or {}, what).items()}


def _text(raw: object, what: str) -> str:
    if raw is not None and not isinstance(raw, str):
        raise ValueError(f"{what}: a text is wanted")
    return raw or ""


def _mapping(raw: object, what: str, allowed: frozenset[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError(f"{what}: a mapping is wanted")  # noqa: TRY004 (the file's value, not a type of ours)
    mapping = cast("dict[str, Any]", raw)
    if allowed and (others := sorted(mapping.keys() - allowed)):
        raise ValueError(f"{others[0][:40]!r} is nothing that {what} has; allowed: {', '.join(sorted(allowed))}")
    return mapping


def _list(raw: object, what: str) -> list[object]:
    if raw and not isinstance(raw, list):
        raise ValueError(f"{what}: a list is wanted")
    return cast("list[object]", raw) if raw else []


def _seconds(raw: Mapping[str, Any], key: str) -> float:
    return seconds_of(_text(raw[key], key)) if key in raw else 0.0


def _named(raw: object) -> str:
    rule = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    name = rule.get("alert") or rule.get("record")
    return f", rule {name!r}" if isinstance(name, str) and name else ""


def _line(raw: object) -> str:
    line = getattr(raw, "line", None)
    return "" if line is None else f":{line}"
