"""Binary operators, between numbers, between a vector and a number, and between vectors with their matching."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.promql.arithmetic import divide
from mcp_opentelemetry.alerts.promql.model import (
    EvaluationError,
    Labels,
    Vector,
    labels_of,
    nameless,
    only,
    vector_of,
    without,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.alerts.promql.matching import Matching


def _remainder(left: float, right: float) -> float:
    return math.fmod(left, right) if right and not math.isinf(left) and not math.isnan(right) else math.nan


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return math.inf if left > 0 or right % 2 == 0 else -math.inf
    except ValueError:
        return math.inf if left == 0 else math.nan


ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
    "%": _remainder,
    "^": _power,
    "atan2": math.atan2,
}
COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
SETS: Final = ("and", "or", "unless")


def of_numbers(symbol: str, left: float, right: float) -> float:
    """Return the result for two numbers; a comparison gives 1 or 0."""
    if symbol in ARITHMETIC:
        return ARITHMETIC[symbol](left, right)
    return float(COMPARISONS[symbol](left, right))


def of_vector_and_number(symbol: str, vector: Vector, number: float, *, is_swapped: bool, is_bool: bool) -> Vector:
    """Return the result for each element; a comparison keeps those for which it holds, with their own values.

    Args:
        symbol: the operator.
        vector: one side.
        number: the other.
        is_swapped: whether the number stands on the left.
        is_bool: whether a comparison gives 1 and 0 instead.
    """
    compute = ARITHMETIC.get(symbol) or COMPARISONS[symbol]
    results = (
        (labels, value, compute(number, value) if is_swapped else compute(value, number))
        for labels, value in vector.items()
    )
    if symbol in COMPARISONS and not is_bool:
        return {labels: value for labels, value, holds in results if holds}
    return vector_of((nameless(labels), float(result)) for labels, _, result in results)


def of_sets(symbol: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    """Return the elements that both have, or either, or the left alone."""
    if symbol == "or":
        present = {matching.key(labels) for labels in left}
        return left | {labels: value for labels, value in right.items() if matching.key(labels) not in present}
    present = {matching.key(labels) for labels in right}
    wanted = symbol == "and"
    return {labels: value for labels, value in left.items() if (matching.key(labels) in present) is wanted}


def of_vectors(symbol: str, left: Vector, right: Vector, matching: Matching, *, is_bool: bool) -> Vector:
    """Return the result for the elements that belong together.

    Raises:
        EvaluationError: several elements belong to one and the matching does not say so.
    """
    if not left or not right:
        return {}
    is_swapped = matching.many == "right"
    many, one = (right, left) if is_swapped else (left, right)
    ones = _by_key(one, matching, "left" if is_swapped else "right")
    compute = ARITHMETIC.get(symbol) or COMPARISONS[symbol]
    is_filter = symbol in COMPARISONS and not is_bool
    elements: list[tuple[Labels, float]] = []
    matched: set[tuple[Labels, Labels | None]] = set()
    for labels, value in many.items():
        key = matching.key(labels)
        if key not in ones:
            continue
        other_labels, other = ones[key]
        found = compute(other, value) if is_swapped else compute(value, other)
        final = _result_labels(labels, other_labels, matching, keeps_name=is_filter)
        identity = (key, None if matching.many == "one" else final)
        if identity in matched:
            raise EvaluationError(f"multiple matches for labels {dict(key)}: matching must be unique or explicit")
        matched.add(identity)
        if not is_filter:
            elements.append((final, float(found)))
        elif found:  # a comparison shows what stands on its left
            elements.append((final, other if is_swapped else value))
    return vector_of(elements)


def _by_key(vector: Vector, matching: Matching, side: str) -> dict[Labels, tuple[Labels, float]]:
    elements: dict[Labels, tuple[Labels, float]] = {}
    for labels, value in vector.items():
        key = matching.key(labels)
        if key in elements:
            raise EvaluationError(f"found duplicate series for the match group {dict(key)} on the {side} hand-side")
        elements[key] = (labels, value)
    return elements


def _result_labels(labels: Labels, other: Labels, matching: Matching, *, keeps_name: bool) -> Labels:
    if not keeps_name:
        labels = nameless(labels)
    if matching.many == "one":
        return only(labels, matching.names) if matching.is_on else without(labels, matching.names)
    if not matching.included:
        return labels
    others = dict(other)
    return labels_of({**dict(labels), **{name: others.get(name, "") for name in matching.included}})
