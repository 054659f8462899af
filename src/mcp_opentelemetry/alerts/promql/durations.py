"""Durations as Prometheus writes them, such as `1h30m`."""

from __future__ import annotations

import re
from typing import Final

_SECONDS: Final = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION: Final = re.compile("".join(rf"(?:(\d{{1,12}}){unit})?" for unit in _SECONDS), re.ASCII)
_LONGEST: Final = 2**63 / 1e9


def seconds_of(text: str) -> float:
    """Return a duration in seconds.

    Raises:
        ValueError: it is none.
    """
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text[:40]!r} is no duration such as 5m or 1h30m")
    parts = zip(match.groups(), _SECONDS.values(), strict=True)
    milliseconds = sum(int(number or 0) * round(size * 1000) for number, size in parts)
    if milliseconds / 1000 > _LONGEST:
        raise ValueError(f"{text[:40]!r} is too long a duration")
    return milliseconds / 1000
