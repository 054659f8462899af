"""From an expression's text to a function that evaluates it; what several expressions share is evaluated once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import promql_parser

from mcp_opentelemetry.alerts.promql import aggregation, operators
from mcp_opentelemetry.alerts.promql.calls import compile_call
from mcp_opentelemetry.alerts.promql.matching import matching_of
from mcp_opentelemetry.alerts.promql.model import Evaluation, Node, Unsupported, Vector, nameless, vector_of
from mcp_opentelemetry.alerts.promql.sameness import key_of
from mcp_opentelemetry.alerts.promql.selectors import Selector
from mcp_opentelemetry.alerts.promql.size import check_size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_parse: Any = promql_parser.parse  # the package is not typed
_MOST_NODES: Final = 500
_DEEPEST: Final = 100
_CHEAP: Final = frozenset({"NumberLiteral", "StringLiteral", "ParenExpr"})
_NAMES: Final = {"SubqueryExpr": "a subquery", "MatrixSelector": "a range outside a function"}


@dataclass(slots=True)
class Expression:
    """A compiled expression.

    Args:
        text: as it was written.
        evaluate: returns a number, a text or a vector.
        selectors: those in it, in order.
    """

    text: str
    evaluate: Node
    selectors: list[Selector] = field(default_factory=list[Selector])


def compile_expression(text: str, longest: float = math.inf) -> Expression:
    """Compile an expression.

    Args:
        text: PromQL.
        longest: how far back a selector may look, in seconds.

    Raises:
        ValueError: it is no PromQL.
        Unsupported: it is, but outside the subset.
    """
    check_size(text)
    compiler = _Compiler(longest)
    evaluate = compiler.compile(_parse(text))
    return Expression(text, evaluate, compiler.selectors)


class _Compiler:
    def __init__(self, longest: float) -> None:
        self.selectors: list[Selector] = []
        self._longest = longest
        self._nodes = 0
        self._depth = 0

    def compile(self, ast: Any) -> Node:
        """Return what evaluates a part of the expression."""
        self._nodes += 1
        self._depth += 1
        if self._nodes > _MOST_NODES or self._depth > _DEEPEST:
            raise Unsupported(f"the expression has more than {_MOST_NODES} parts, or {_DEEPEST} within each other")
        kind = type(ast).__name__
        make: Callable[[Any], Node] | None = getattr(self, f"_{kind}", None)
        if make is None:
            raise Unsupported(f"{_NAMES.get(kind, kind)} is not supported")
        node = make(ast)
        self._depth -= 1
        return node if kind in _CHEAP else _remembering(key_of(ast), node)

    def range(self, ast: Any) -> Selector:
        """Return the selector of a range."""
        if type(ast).__name__ == "ParenExpr":
            return self.range(ast.expr)
        if type(ast).__name__ != "MatrixSelector":
            raise Unsupported("a subquery is not supported")
        return self._selector(ast.vector_selector, ast.range.total_seconds())

    def _selector(self, ast: Any, *seconds: float) -> Selector:
        selector = Selector(ast, self._longest, *seconds)
        self.selectors.append(selector)
        return selector

    def _NumberLiteral(self, ast: Any) -> Node:
        value = float(ast.val)
        return lambda _: value

    def _StringLiteral(self, ast: Any) -> Node:
        value = str(ast.val)
        return lambda _: value

    def _ParenExpr(self, ast: Any) -> Node:
        return self.compile(ast.expr)

    def _UnaryExpr(self, ast: Any) -> Node:
        inner = self.compile(ast.expr)

        def negate(evaluation: Evaluation) -> Any:
            value = inner(evaluation)
            if not isinstance(value, dict):
                return -value
            return vector_of((nameless(labels), -each) for labels, each in cast("Vector", value).items())

        return negate

    def _VectorSelector(self, ast: Any) -> Node:
        return self._selector(ast).now

    def _Call(self, ast: Any) -> Node:
        return compile_call(str(ast.func.name), list(ast.args), self)

    def _AggregateExpr(self, ast: Any) -> Node:
        operator, inner = str(ast.op), self.compile(ast.expr)
        names: Sequence[str] = list(ast.modifier.labels) if ast.modifier is not None else []
        is_without = ast.modifier is not None and str(ast.modifier.type).endswith("Without")
        if operator == "count_values" and not is_without:
            names = [*names, str(ast.param.val)]
        group = aggregation.group_of(names, is_without=is_without)
        if operator in aggregation.SIMPLE:
            return lambda evaluation: aggregation.aggregate(operator, inner(evaluation), group)
        if operator not in aggregation.WITH_PARAMETER:
            raise Unsupported(f"the aggregation {operator} is not supported")
        combine, parameter = aggregation.WITH_PARAMETER[operator], self.compile(ast.param)
        return lambda evaluation: combine(parameter(evaluation), inner(evaluation), group)

    def _BinaryExpr(self, ast: Any) -> Node:
        symbol, left, right = str(ast.op), self.compile(ast.lhs), self.compile(ast.rhs)
        matching, is_bool = matching_of(ast.modifier), bool(ast.modifier and ast.modifier.return_bool)

        def evaluate(evaluation: Evaluation) -> Any:
            one, other = left(evaluation), right(evaluation)
            if symbol in operators.SETS:
                return operators.of_sets(symbol, one, other, matching)
            if isinstance(one, dict) and isinstance(other, dict):
                pair = cast("tuple[Vector, Vector]", (one, other))
                return operators.of_vectors(symbol, *pair, matching, is_bool=is_bool)
            if isinstance(one, dict) or isinstance(other, dict):
                is_swapped = isinstance(other, dict)
                vector, number = cast("tuple[Vector, float]", (other, one) if is_swapped else (one, other))
                return operators.of_vector_and_number(symbol, vector, number, is_swapped=is_swapped, is_bool=is_bool)
            return operators.of_numbers(symbol, one, other)

        return evaluate


def _remembering(key: str, node: Node) -> Node:
    def evaluate(evaluation: Evaluation) -> Any:
        known = evaluation.known
        if key not in known:
            evaluation.check()
            known[key] = node(evaluation)
        return known[key]

    return evaluate
