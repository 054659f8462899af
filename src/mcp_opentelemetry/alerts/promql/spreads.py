"""Quantiles straight from distributions, where the storage keeps them: nearer to the truth than buckets are.

`histogram_quantile(q, sum by (le, …) (rate(x_bucket[5m])))` is how quantiles are asked for. A share of observations is
the same whether they are counted or rated, so the distribution of the range answers it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mcp_opentelemetry.alerts.promql.histograms import histogram_quantile
from mcp_opentelemetry.alerts.promql.model import nameless, only, without
from mcp_opentelemetry.window.distribution import Distribution, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_opentelemetry.alerts.promql.calls import Compiler
    from mcp_opentelemetry.alerts.promql.model import Evaluation, Labels, Node
    from mcp_opentelemetry.alerts.promql.selectors import Selector

_LE: Final = "le"
_BUCKET: Final = "_bucket"


class _Pattern(NamedTuple):
    """The usual form of the question.

    Args:
        selector: of the buckets.
        group: returns the labels of the result from those of a histogram.
    """

    selector: Selector
    group: Callable[[Labels], Labels]


def compile_quantile(arguments: Sequence[Any], compiler: Compiler) -> Node:
    """Return what evaluates `histogram_quantile`.

    Args:
        arguments: the share, and the buckets.
        compiler: of the arguments.
    """
    share, buckets = map(compiler.compile, arguments)
    pattern = _pattern_of(arguments[1], compiler)

    def evaluate(evaluation: Evaluation) -> Any:
        wanted = share(evaluation)
        spreads = _spreads(evaluation, pattern) if pattern is not None and 0 <= wanted <= 1 else None
        if pattern is None or spreads is None:
            return histogram_quantile(wanted, buckets(evaluation))
        groups: defaultdict[Labels, list[Distribution]] = defaultdict(list)
        for labels, spread in spreads:
            groups[pattern.group(nameless(labels))].append(spread)
        return {labels: merge(parts).quantile(wanted) for labels, parts in groups.items()}

    return evaluate


def _spreads(evaluation: Evaluation, pattern: _Pattern) -> list[tuple[Labels, Distribution]] | None:
    find = getattr(evaluation.storage, "spreads", None)
    if find is None or pattern.selector.offset:
        return None
    return find(pattern.selector.matchers, pattern.selector.seconds)


def _pattern_of(ast: Any, compiler: Compiler) -> _Pattern | None:
    group: Callable[[Labels], Labels] = _as_it_is
    while type(ast).__name__ == "ParenExpr":
        ast = ast.expr
    if type(ast).__name__ == "AggregateExpr" and str(ast.op) == "sum" and ast.modifier is not None:
        names, is_without = frozenset(ast.modifier.labels), str(ast.modifier.type).endswith("Without")
        if (_LE in names) is is_without:
            return None  # the bounds are lost: that is no question about a histogram
        group = _leaving_out(names) if is_without else _keeping(names)
        ast = ast.expr
    is_rate = type(ast).__name__ == "Call" and str(ast.func.name) in {"rate", "increase"}
    if not is_rate or type(ast.args[0]).__name__ != "MatrixSelector":
        return None
    selector = compiler.range(ast.args[0])
    return _Pattern(selector, group) if (selector.metric or "").endswith(_BUCKET) else None


def _as_it_is(labels: Labels) -> Labels:
    return labels


def _leaving_out(names: frozenset[str]) -> Callable[[Labels], Labels]:
    return lambda labels: without(labels, names)


def _keeping(names: frozenset[str]) -> Callable[[Labels], Labels]:
    return lambda labels: only(labels, names)
