"""What the texts of settings mean; each function raises `ValueError` or `OSError` for one that means nothing."""

from __future__ import annotations

import math
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

Network = IPv4Network | IPv6Network

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|)")
_UNITS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_YES: Final = frozenset({"true", "1", "yes", "on"})
_NO: Final = frozenset({"false", "0", "no", "off"})


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a function that takes one of these words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError
        return text.lower()

    return parse


def some_of(*allowed: str) -> Callable[[str], tuple[str, ...]]:
    """Return a function that takes some of these words, with commas between."""
    word = one_of(*allowed)
    return lambda text: tuple(word(part) for part in many(text))


def many(text: str) -> tuple[str, ...]:
    """Return the parts between commas."""
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def boolean(text: str) -> bool:
    """Return whether a text says yes."""
    if text.lower() not in _YES | _NO:
        raise ValueError
    return text.lower() in _YES


def port(text: str) -> int:
    """Return the number of a TCP port."""
    number = int(text)
    if not 0 <= number <= 65535:  # noqa: PLR2004 (the highest TCP port)
        raise ValueError
    return number


def at_least_zero(text: str) -> float:
    """Return a finite number that is not below 0."""
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise ValueError
    return number


def above_zero(text: str) -> float:
    """Return a finite number above 0."""
    number = at_least_zero(text)
    if number == 0:
        raise ValueError
    return number


def duration(text: str) -> float:
    """Return seconds, of `15s`, `1m` and the like, or of a plain number."""
    match = _DURATION.fullmatch(text)
    if match is None or float(match[1]) <= 0:
        raise ValueError
    return float(match[1]) * _UNITS[match[2]]


def objective(text: str) -> float:
    """Return a percentage that can be met and missed."""
    percentage = float(text.removesuffix("%"))
    if not 0 < percentage < 100:  # noqa: PLR2004 (percent)
        raise ValueError
    return percentage


def networks(text: str) -> tuple[Network, ...]:
    """Return IP networks; an address alone is one."""
    return tuple(ip_network(name, strict=False) for name in many(text))


def token_in_file(text: str) -> str:
    """Return what a file holds, which may not be empty."""
    token = Path(text).read_text(encoding="utf-8").strip()
    if not token:
        raise ValueError
    return token


def trace_url(text: str) -> str:
    """Return a URL with a place for a trace id."""
    if not text.lower().startswith(("http://", "https://")) or "{trace_id}" not in text:
        raise ValueError
    return text
