"""Calls of functions: from their parsed arguments to what evaluates them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from mcp_opentelemetry.alerts.promql import functions, label_functions, ranges
from mcp_opentelemetry.alerts.promql.arithmetic import quantile
from mcp_opentelemetry.alerts.promql.model import (
    NAME,
    Evaluation,
    Labels,
    Node,
    Unsupported,
    labels_of,
    nameless,
    vector_of,
)
from mcp_opentelemetry.alerts.promql.spreads import compile_quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_opentelemetry.alerts.promql.selectors import Selector

_KEEPS_NAME: Final = frozenset({"last_over_time"})
_NO_LABELS: Final[Labels] = ()


class Compiler(Protocol):
    """What compiles arguments."""

    def compile(self, ast: Any) -> Node:
        """Return what evaluates an expression."""
        ...

    def range(self, ast: Any) -> Selector:
        """Return the selector of a range."""
        ...


def compile_call(name: str, arguments: Sequence[Any], compiler: Compiler) -> Node:
    """Return what evaluates a function.

    Args:
        name: of the function.
        arguments: parsed, of the right number and kinds.
        compiler: of the arguments.

    Raises:
        Unsupported: the function is not.
    """
    if name in ranges.FUNCTIONS:
        return _over_range(name, compiler.range(arguments[0]))
    if name in functions.OF_VALUES:
        function, inner = functions.OF_VALUES[name], compiler.compile(arguments[0])
        return lambda evaluation: functions.of_each(function, inner(evaluation))
    if name in _SPECIAL:
        return _SPECIAL[name](arguments, compiler)
    if name not in _PLAIN:
        raise Unsupported(f"the function {name} is not supported")
    if name in label_functions.CHECKS:
        label_functions.CHECKS[name](*(str(argument.val) for argument in arguments[1:]))
    plain, nodes = _PLAIN[name], [compiler.compile(argument) for argument in arguments]
    return lambda evaluation: plain(*(node(evaluation) for node in nodes))


def _over_range(name: str, selector: Selector) -> Node:
    function, keeps_name = ranges.FUNCTIONS[name], name in _KEEPS_NAME

    def evaluate(evaluation: Evaluation) -> Any:
        found = ((labels, function(samples)) for labels, samples in selector.over(evaluation))
        return vector_of(
            (labels if keeps_name else nameless(labels), value) for labels, value in found if value is not None
        )

    return evaluate


def _quantile_over_time(arguments: Sequence[Any], compiler: Compiler) -> Node:
    share, selector = compiler.compile(arguments[0]), compiler.range(arguments[1])

    def evaluate(evaluation: Evaluation) -> Any:
        wanted = share(evaluation)
        found = selector.over(evaluation)
        return vector_of((nameless(labels), quantile(wanted, samples.values)) for labels, samples in found)

    return evaluate


def _absent(arguments: Sequence[Any], compiler: Compiler) -> Node:
    inner, labels = compiler.compile(arguments[0]), _labels_of_absent(arguments[0])
    return lambda evaluation: {} if inner(evaluation) else {labels: 1.0}


def _absent_over_time(arguments: Sequence[Any], compiler: Compiler) -> Node:
    selector, labels = compiler.range(arguments[0]), _labels_of_absent(arguments[0])
    return lambda evaluation: {} if any(True for _ in selector.over(evaluation)) else {labels: 1.0}


def _labels_of_absent(ast: Any) -> Labels:
    """Return the labels that an absent series would have had, as far as its selector names them once, with `=`."""
    kind = type(ast).__name__
    if kind == "ParenExpr":
        return _labels_of_absent(ast.expr)
    if kind == "MatrixSelector":
        return _labels_of_absent(ast.vector_selector)
    if kind != "VectorSelector":
        return _NO_LABELS
    named = [matcher.name for matcher in ast.matchers.matchers]
    return labels_of(
        {
            matcher.name: matcher.value
            for matcher in ast.matchers.matchers
            if str(matcher.op).endswith(".Equal") and named.count(matcher.name) == 1 and matcher.name != NAME
        }
    )


_PLAIN: Final[dict[str, Callable[..., Any]]] = {
    "clamp": functions.clamp,
    "clamp_max": functions.clamp_max,
    "clamp_min": functions.clamp_min,
    "label_join": label_functions.label_join,
    "label_replace": label_functions.label_replace,
    "round": functions.round_to,
    "scalar": functions.scalar,
    "vector": functions.vector,
}
_SPECIAL: Final[dict[str, Callable[[Sequence[Any], Compiler], Node]]] = {
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "histogram_quantile": compile_quantile,
    "quantile_over_time": _quantile_over_time,
    "time": lambda _, __: lambda evaluation: evaluation.time,
}
