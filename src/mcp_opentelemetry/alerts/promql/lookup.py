"""Finding series: those of a metric are fetched once for each moment, and looked up by a label after that."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from mcp_opentelemetry.alerts.promql.model import NAME, Matcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_opentelemetry.alerts.promql.model import Evaluation, Series

    Named = list[tuple[dict[str, str], Series]]


def find(evaluation: Evaluation, matchers: Sequence[Matcher]) -> list[Series]:
    """Return the series that meet all conditions."""
    name = next((each for each in matchers if each.label == NAME and each.operator == "="), None)
    if name is None:
        return list(evaluation.storage.select(matchers))
    others = [each for each in matchers if each is not name]
    equal = next((each for each in others if each.operator == "=" and each.value and each.label != NAME), None)
    if equal is None:
        candidates = _of_metric(evaluation, name)
    else:
        candidates = _by_label(evaluation, name, equal.label).get(equal.value, [])
    tests = [(each.label, each.test()) for each in others if each is not equal]
    return [series for labels, series in candidates if all(test(labels.get(label, "")) for label, test in tests)]


def _of_metric(evaluation: Evaluation, name: Matcher) -> Named:
    key = f"series of {name.value}"
    if key not in evaluation.known:
        found = evaluation.storage.select([name])
        evaluation.known[key] = [(dict(series.labels), series) for series in found]
    return evaluation.known[key]


def _by_label(evaluation: Evaluation, name: Matcher, label: str) -> dict[str, Named]:
    key = f"series of {name.value} by {label}"
    if key not in evaluation.known:
        index: defaultdict[str, Named] = defaultdict(list)
        for labels, series in _of_metric(evaluation, name):
            index[labels.get(label, "")].append((labels, series))
        evaluation.known[key] = index
    return evaluation.known[key]
