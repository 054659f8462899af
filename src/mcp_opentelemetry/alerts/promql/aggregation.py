"""Aggregations: many elements to one for each group."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from mcp_opentelemetry.alerts.go_text import go_number
from mcp_opentelemetry.alerts.promql.arithmetic import deviation, greatest, least, mean, quantile, total, variance
from mcp_opentelemetry.alerts.promql.model import (
    NAME,
    EvaluationError,
    Labels,
    Vector,
    labels_of,
    only,
    without,
)

Group = Callable[[Labels], Labels]


def group_of(names: Sequence[str], *, is_without: bool) -> Group:
    """Return a function from labels to those of their group; the same labels are looked at once only.

    Args:
        names: of labels.
        is_without: whether these are left out, or alone kept.
    """
    known: dict[Labels, Labels] = {}
    chosen = frozenset({*names, NAME} if is_without else names)
    choose = without if is_without else only

    def group(labels: Labels) -> Labels:
        found = known.get(labels)
        if found is None:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            found = known[labels] = choose(labels, chosen)
        return found

    return group


def aggregate(operator: str, vector: Vector, group: Group) -> Vector:
    """Return one element for each group, by an operator of `SIMPLE`."""
    groups: defaultdict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.items():
        groups[group(labels)].append(value)
    combine = SIMPLE[operator]
    return {labels: combine(values) for labels, values in groups.items()}


def choose(operator: str, count: float, vector: Vector, group: Group) -> Vector:
    """Return the greatest (`topk`) or least (`bottomk`) elements of each group, as they are."""
    if not abs(count) < 2**63:
        raise EvaluationError(f"{operator} of {count} elements")
    groups: defaultdict[Labels, list[tuple[float, Labels]]] = defaultdict(list)
    for labels, value in vector.items():
        groups[group(labels)].append((value, labels))
    sign = -1 if operator == "topk" else 1

    def key(element: tuple[float, Labels]) -> tuple[bool, float]:
        return (math.isnan(element[0]), sign * element[0])  # what is not a number comes last

    wanted = max(0, int(count))
    return {labels: value for elements in groups.values() for value, labels in heapq.nsmallest(wanted, elements, key)}


def quantiles(share: float, vector: Vector, group: Group) -> Vector:
    """Return a quantile of each group."""
    groups: defaultdict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.items():
        groups[group(labels)].append(value)
    return {labels: quantile(share, values) for labels, values in groups.items()}


def count_values(label: str, vector: Vector, group: Group) -> Vector:
    """Return how often each value occurs in each group, with the value as a label."""
    counts: defaultdict[Labels, float] = defaultdict(float)
    for labels, value in vector.items():
        counts[group(labels_of({**dict(labels), label: go_number(value)}))] += 1
    return dict(counts)


_MOST_KNOWN: Final = 100_000
SIMPLE: Final[dict[str, Callable[[list[float]], float]]] = {
    "sum": total,
    "avg": mean,
    "count": lambda values: float(len(values)),
    "min": least,
    "max": greatest,
    "group": lambda _: 1.0,
    "stddev": deviation,
    "stdvar": variance,
}
WITH_PARAMETER: Final[dict[str, Callable[[Any, Vector, Group], Vector]]] = {
    "topk": partial(choose, "topk"),
    "bottomk": partial(choose, "bottomk"),
    "quantile": quantiles,
    "count_values": count_values,
}
