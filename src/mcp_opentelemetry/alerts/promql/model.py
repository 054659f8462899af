"""What expressions are evaluated over, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from mcp_opentelemetry.alerts.promql.regex import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Labels = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name; a label without a value is not there."""

Vector = dict[Labels, float]
"""One value for each label set at one moment."""

NAME: Final = "__name__"
LOOKBACK: Final = 300.0
"""Seconds for which the last sample of a series counts as its value now."""

BUCKETS_KEPT: Final = 300.0
"""Seconds for which a process keeps the buckets of its histograms."""


class Unsupported(ValueError):  # noqa: N818 (a fact about the expression, not a failure)
    """The expression is PromQL, but not of the subset that is evaluated in process."""


class EvaluationError(ValueError):
    """The expression has no answer, such as two elements with the same labels."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on a label.

    Args:
        label: its name.
        operator: `=`, `!=`, `=~` or `!~`.
        value: a text, or a regular expression that matches all of the value.
    """

    label: str
    operator: str
    value: str

    def test(self) -> Callable[[str], bool]:
        """Return a function that tells whether a value meets the condition."""
        wanted, operator = self.value, self.operator
        if operator == "=":
            return wanted.__eq__
        if operator == "!=":
            return wanted.__ne__
        if operator == "=~":
            return lambda value: matches(wanted, value)
        return lambda value: not matches(wanted, value)


class Series(Protocol):
    """The samples of one label set."""

    @property
    def labels(self) -> Labels:
        """The labels, the metric's name as `__name__` among them."""
        ...

    def between(self, start: float, end: float) -> tuple[Sequence[float], Sequence[float]]:
        """Return times and values of the samples after the start, up to and including the end."""
        ...

    def last(self, start: float, end: float) -> float | None:
        """Return the last value in that time; `None` if there is none, or if the series has ended since."""
        ...


class Storage(Protocol):
    """Where series come from."""

    def select(self, matchers: Sequence[Matcher]) -> Iterable[Series]:
        """Return the series that meet all conditions."""
        ...


@dataclass(slots=True)
class Evaluation:
    """One moment at which expressions are evaluated; what several have in common is evaluated once.

    Args:
        storage: where series come from.
        time: the moment, in seconds since the epoch.
        deadline: when to give up, by `perf_counter`.
        known: what has been evaluated, by what it is.
    """

    storage: Storage
    time: float
    deadline: float = math.inf
    known: dict[str, Any] = field(default_factory=dict[str, Any])

    def check(self) -> None:
        """Give up if it takes too long.

        Raises:
            EvaluationError: the deadline has passed.
        """
        if perf_counter() > self.deadline:
            raise EvaluationError("it takes too long")


Node = Callable[[Evaluation], Any]
"""A compiled expression: returns a float, a text, or a vector."""


def labels_of(pairs: Mapping[str, str]) -> Labels:
    """Return labels; those without a value are left out."""
    return tuple(sorted((name, value) for name, value in pairs.items() if value))


def without(labels: Labels, names: frozenset[str]) -> Labels:
    """Return the labels other than those named."""
    return tuple(pair for pair in labels if pair[0] not in names)


def only(labels: Labels, names: frozenset[str]) -> Labels:
    """Return the labels that are named."""
    return tuple(pair for pair in labels if pair[0] in names)


_NAME_ONLY: Final = frozenset({NAME})


def nameless(labels: Labels) -> Labels:
    """Return the labels without the metric's name: what is computed of a metric is another one."""
    return without(labels, _NAME_ONLY)


def vector_of(elements: Iterable[tuple[Labels, float]]) -> Vector:
    """Return elements as a vector.

    Raises:
        EvaluationError: two of them have the same labels.
    """
    vector: Vector = {}
    for labels, value in elements:
        if labels in vector:
            raise EvaluationError("vector cannot contain metrics with the same labelset")
        vector[labels] = value
    return vector
