"""Regular expressions that mean in Python what they mean in Prometheus, and cannot run for hours.

Prometheus' engine takes linear time whatever the expression. Python's tries one way after the other and holds on to
the whole process while it does, so what may have too many ways is refused when a rule is read.
"""

from __future__ import annotations

import math
import re
import warnings
from functools import lru_cache
from typing import Final

_FLAGS: Final = re.DOTALL | re.ASCII
_LENGTH: Final = 100  # characters of a value for which the ways are counted
_MOST_WAYS: Final = 2e8  # one or two seconds
_TOKEN: Final = re.compile(
    r"""
    (?P<class> \[ \^? \]? (?: \\. | [^\]\\] )* \] )
    | (?P<open> \( (?: \?: | \?P<\w+> | \?[ims-]+: )? ) (?! \? )
    | (?P<close> \) )
    | (?P<or> \| )
    | (?P<repeat> (?: [*+?] | \{ (?P<least>\d+) (?P<comma>,)? (?P<most>\d+)? \} ) \?? ) (?! [*+?{] )
    | (?P<atom> \\[^0-9ZuU] | \(\?[ims-]+\) | [^\\[()*+?] )
    """,
    re.VERBOSE | re.DOTALL,
)


def matches(pattern: str, value: str) -> bool:
    """Return whether a regular expression matches all of a value; asked again, it is looked up."""
    return _known(pattern, value)


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a regular expression, compiled.

    Raises:
        ValueError: Python cannot read it, would understand it otherwise than Prometheus, or might never end.
    """
    if not ways(pattern) <= _MOST_WAYS:
        raise ValueError(f"regular expression {pattern!r} may take too long in process: fewer repetitions are allowed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return re.compile(pattern, _FLAGS)
        except (re.error, OverflowError, RecursionError, Warning) as error:
            raise ValueError(f"regular expression {pattern!r}: {error}") from error


def ways(pattern: str) -> float:
    """Return in how many ways at most a regular expression may be tried at a value of a hundred characters.

    Raises:
        ValueError: it has something that one of the two engines does not know.
    """
    # For each group that is open: the ways of the alternatives before, of this one, and of the last thing in it.
    groups = [(0.0, 1.0, 1.0)]
    end = 0
    while end < len(pattern):
        token = _TOKEN.match(pattern, end)
        if token is None or (token["class"] or "").startswith(("[[:", "[^[:")):
            raise ValueError(f"regular expression {pattern!r}: {pattern[end : end + 10]!r} is not supported in process")
        end = token.end()
        others, ways_, last = groups[-1]
        if token["open"]:
            groups.append((0.0, 1.0, 1.0))
        elif token["close"]:
            if len(groups) == 1:
                raise ValueError(f"regular expression {pattern!r}: unbalanced parenthesis")
            groups.pop()
            before, outer, _ = groups[-1]
            inner = others + ways_
            groups[-1] = (before, outer * inner, inner)
        elif token["or"]:
            groups[-1] = (others + ways_, 1.0, 1.0)
        elif token["repeat"]:
            groups[-1] = (others, ways_ / last * _repeated(last, *_bounds(token)), last)
        else:
            groups[-1] = (others, ways_, 1.0)
    return groups[0][0] + groups[0][1]


def _bounds(token: re.Match[str]) -> tuple[int, float]:
    if token["least"]:
        least = int(token["least"])
        return least, float(token["most"] or math.inf) if token["comma"] else least
    return int(token["repeat"][0] == "+"), 1 if token["repeat"][0] == "?" else math.inf


def _repeated(ways_: float, least: int, most: float) -> float:
    if most <= 1:
        return ways_ + (not least)
    if ways_ > 1:
        return ways_**most if most < _LENGTH and most * math.log(ways_) < _LENGTH else math.inf
    return min(most, _LENGTH) - min(least, most, _LENGTH) + 1


@lru_cache(maxsize=65_536)
def _known(pattern: str, value: str) -> bool:
    return compiled(pattern).fullmatch(value) is not None
