"""What the texts of settings mean; each function raises `ValueError` or `OSError` for one that means nothing."""

from __future__ import annotations

import logging
import math
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Network = IPv4Network | IPv6Network

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")
_UNITS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_YES: Final = frozenset({"true", "1", "yes", "on"})
_NO: Final = frozenset({"false", "0", "no", "off"})


class Level(int):
    """A log level that is shown as it is set."""

    def __repr__(self) -> str:
        return logging.getLevelName(int(self)).lower()


LEVELS: Final = {
    repr(level): level
    for level in map(Level, (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL))
}
"""Levels by the names that settings take."""


class SuccessLog(NamedTuple):
    """What is logged of operations that succeed.

    Args:
        level: the level of the line.
        ratio: the share of them that has one, 0 to 1.
    """

    level: int = LEVELS["info"]
    ratio: float = 1.0

    def __repr__(self) -> str:
        return f"{self.level!r}:{self.ratio}"


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


def level(text: str) -> int:
    """Return the number of a log level."""
    if text.lower() not in LEVELS:
        raise ValueError
    return LEVELS[text.lower()]


def whole(text: str) -> int:
    """Return a whole number that is not below 0."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def success_log(text: str) -> SuccessLog:
    """Return what is logged of successes: `0.1`, `debug`, or `debug:0.1`."""
    name, _, share = text.rpartition(":") if ":" in text else ("", "", text)
    if not name and share.lower() in LEVELS:
        name, share = share, "1"
    ratio = at_least_zero(share)
    if ratio > 1:
        raise ValueError
    return SuccessLog(level(name or "info"), ratio)


def rotation(text: str) -> float | str:
    """Return seconds between two rotations, or `midnight`."""
    return "midnight" if text.lower() == "midnight" else max(1.0, duration(text))
