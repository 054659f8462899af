"""When two expressions are the same, so that they are evaluated once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable


def key_of(ast: Any) -> str:
    """Return a text that is the same for expressions that say the same, and for no others.

    The parser's own text is not: it leaves quotes unescaped.
    """
    kind = type(ast).__name__
    return _KINDS[kind](ast) if kind in _KINDS else f"{kind} {ast}"


def _selector(ast: Any) -> str:
    matchers = sorted((matcher.name, str(matcher.op), matcher.value) for matcher in ast.matchers.matchers)
    return f"{ast.name!r}{matchers!r}@{ast.at}-{ast.offset}"


def _binary(ast: Any) -> str:
    modifier = ast.modifier
    if modifier is None:
        return f"({key_of(ast.lhs)}){ast.op}({key_of(ast.rhs)})"
    chosen = modifier.matching
    matching = () if chosen is None else (str(chosen.type), *chosen.labels)
    how = (modifier.return_bool, str(modifier.card), matching, tuple(modifier.group_labels or ()))
    return f"({key_of(ast.lhs)}){ast.op}{how!r}({key_of(ast.rhs)})"


def _aggregate(ast: Any) -> str:
    by = () if ast.modifier is None else (str(ast.modifier.type), *ast.modifier.labels)
    parameter = "" if ast.param is None else key_of(ast.param)
    return f"{ast.op}{by!r}({parameter},{key_of(ast.expr)})"


def _matrix(ast: Any) -> str:
    return f"{_selector(ast.vector_selector)}[{ast.range}]"


def _call(ast: Any) -> str:
    return f"{ast.func.name}({','.join(map(key_of, ast.args))})"


def _number(ast: Any) -> str:
    return repr(float(ast.val))


def _text(ast: Any) -> str:
    return repr(str(ast.val))


def _inner(ast: Any) -> str:
    return key_of(ast.expr)


def _negative(ast: Any) -> str:
    return f"-({key_of(ast.expr)})"


_KINDS: Final[dict[str, Callable[[Any], str]]] = {
    "NumberLiteral": _number,
    "StringLiteral": _text,
    "ParenExpr": _inner,
    "UnaryExpr": _negative,
    "VectorSelector": _selector,
    "MatrixSelector": _matrix,
    "Call": _call,
    "AggregateExpr": _aggregate,
    "BinaryExpr": _binary,
}
