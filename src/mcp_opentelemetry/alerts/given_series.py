"""Series as tests of rules write them: `up{job="a"}` and `0 1 _ stale 3+2x5`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import promql_parser

from mcp_opentelemetry.alerts.promql.model import NAME, Labels, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_parse: Any = promql_parser.parse
_NUMBER: Final = r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf|nan)"
_VALUES: Final = re.compile(
    rf"(?P<first>{_NUMBER})(?:(?P<step>[+-]{_NUMBER.removeprefix('[+-]?')})?x(?P<count>\d{{1,6}}))?|(?P<gap>_)(?:x(?P<gaps>\d{{1,6}}))?",
    re.IGNORECASE | re.ASCII,
)
_ENDED: Final = re.compile(r"stale(?:x(\d{1,6}))?", re.ASCII)
NOTHING: Final = object()
"""Where a series has no sample."""


def labels_of_series(text: str) -> Labels:
    """Return the labels of a series as it is written, such as `up{job="a"}`; `{}` has none.

    Raises:
        ValueError: it is no series.
    """
    written = text.strip()
    if written.replace(" ", "") == "{}":
        return ()
    is_nameless = written.startswith("{")
    ast = _parse(f"x{written}" if is_nameless and NAME not in written else written)
    if type(ast).__name__ != "VectorSelector":
        raise ValueError(f"{text!r} is no series")
    labels = {matcher.name: matcher.value for matcher in ast.matchers.matchers}
    return labels_of(labels if is_nameless or not ast.name else {**labels, NAME: ast.name})


def parse_values(text: str) -> Iterator[object]:
    """Return the values of a series as promtool writes them: `1 2`, `0+10x5`, `3x2`, `_`, `_x4`, `stale`.

    A number for a value, `None` where the series ends, and `NOTHING` where there is no sample.

    Raises:
        ValueError: it means nothing, or a native histogram.
    """
    for word in text.split():
        match = _VALUES.fullmatch(word)
        if ended := _ENDED.fullmatch(word):
            yield from [None] * (int(ended[1]) + 1 if ended[1] else 1)
        elif match is None:
            raise ValueError(f"{word!r} is no value of a series; native histograms are not supported")
        elif match["gap"]:
            yield from [NOTHING] * int(match["gaps"] or 1)
        else:
            first, step = float(match["first"]), float(match["step"] or 0)
            for _ in range(int(match["count"] or 0) + 1):
                yield first
                first += step
