"""How large an expression may be: the parser ends the whole process where one nests too deeply for its stack."""

from __future__ import annotations

import re
from typing import Final

from mcp_opentelemetry.alerts.promql.model import Unsupported

# Enough for rules that people write. A thread with a stack of half a megabyte parses this with a third to spare.
_MOST_WORDS: Final = 2_000
_MOST_OPERATORS: Final = 150
_DEEPEST: Final = 50
_WORD: Final = re.compile(
    r"""
    "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*`
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    | (?P<operator>[-+*/%^<>] | [=!]= | (?:and|or|unless|atan2)(?!\w))
    | [\w.:]+ | \S
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def check_size(text: str) -> None:
    """Refuse an expression that is larger than any rule.

    Raises:
        Unsupported: it has too many words, operators, or brackets within each other.
    """
    operators = depth = deepest = 0
    for words, word in enumerate(_WORD.finditer(text), 1):
        operators += bool(word["operator"])
        depth += bool(word["open"]) - bool(word["close"])
        deepest = max(deepest, depth)
        if words > _MOST_WORDS or operators > _MOST_OPERATORS or deepest > _DEEPEST:
            raise Unsupported(
                f"the expression is too large: {_MOST_WORDS} words, {_MOST_OPERATORS} operators"
                f" and {_DEEPEST} brackets within each other are allowed"
            )
