"""Selectors: the series that an expression names, at a moment or over a range."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.alerts.promql.lookup import find
from mcp_opentelemetry.alerts.promql.model import BUCKETS_KEPT, LOOKBACK, NAME, Labels, Matcher, Unsupported, Vector
from mcp_opentelemetry.alerts.promql.ranges import Range
from mcp_opentelemetry.alerts.promql.regex import compiled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_opentelemetry.alerts.promql.model import Evaluation, Series

_OPERATORS: Final = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


class Selector:
    """A compiled selector.

    Args:
        ast: the parser's vector selector.
        longest: how far back it may look, in seconds.
        seconds: the length of its range; `None` for a moment.

    Raises:
        Unsupported: it uses `@`, or looks further back than anything is kept.
    """

    def __init__(self, ast: Any, longest: float, seconds: float | None = None) -> None:
        if ast.at is not None:
            raise Unsupported("the modifier @ is not supported")
        if ast.matchers.or_matchers:
            raise Unsupported("alternatives between matchers are not supported")
        self.offset = (ast.offset or timedelta()).total_seconds()
        if self.offset < 0:
            raise Unsupported("a negative offset looks into the future")
        self.seconds = LOOKBACK if seconds is None else seconds
        self.reach = (seconds or 0.0) + self.offset
        if self.reach > longest:
            kept = f"{longest / 3600:g} h"
            raise Unsupported(f"the range and its offset look {self.reach:g} s back, {kept} are kept")
        is_in_process = math.isfinite(longest)
        if is_in_process and (ast.name or "").endswith("_bucket") and self.reach > BUCKETS_KEPT:
            raise Unsupported(f"the range and its offset look {self.reach:g} s back, buckets are kept for 5 minutes")
        named = [Matcher(NAME, "=", ast.name)] if ast.name else []
        self.matchers = [*named, *(_matcher(matcher) for matcher in ast.matchers.matchers)]
        self._key = repr(self.matchers)
        names = [matcher.value for matcher in self.matchers if matcher.label == NAME and matcher.operator == "="]
        self.metric: str | None = names[0] if names else None

    def series(self, evaluation: Evaluation) -> Sequence[Series]:
        """Return the series it names; asked again at the same moment, these are looked up."""
        found: list[Series] | None = evaluation.known.get(self._key)
        if found is None:
            found = evaluation.known[self._key] = find(evaluation, self.matchers)
        return found

    def now(self, evaluation: Evaluation) -> Vector:
        """Return the last value of each series, if it is not too old."""
        end = evaluation.time - self.offset
        found: Vector = {}
        for series in self.series(evaluation):
            value = series.last(end - LOOKBACK, end)
            if value is not None:
                found[series.labels] = value
        return found

    def over(self, evaluation: Evaluation) -> Iterator[tuple[Labels, Range]]:
        """Return the samples of each series in the range, if there are any."""
        end = evaluation.time - self.offset
        start = end - self.seconds
        for series in self.series(evaluation):
            times, values = series.between(start, end)
            if values:
                yield series.labels, Range(times, values, start, end)


def _matcher(ast: Any) -> Matcher:
    operator = _OPERATORS[str(ast.op).rpartition(".")[2]]
    if "~" in operator:
        try:
            compiled(ast.value)
        except ValueError as error:
            raise Unsupported(str(error)) from error
    return Matcher(ast.name, operator, ast.value)
