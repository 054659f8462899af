"""Telemetry never breaks the host: our exceptions end here, the host's never do."""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

_logger = logging.getLogger("mcp_opentelemetry")

failures: Counter[str] = Counter()
"""How often each place in our own code has failed, as `file:line`."""

reraise = False
"""Set by our own tests, so that a bug fails the test that meets it."""


def guarded(function: Callable[P, R]) -> Callable[P, R | None]:
    """Make a function of ours safe to call from the host: it returns `None` instead of raising.

    Never put it around the host's own code: that one's exceptions must pass.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 (anything of ours; what the host raises does not pass here)
            swallow(error)
            return None

    return call


def swallow(error: Exception) -> None:
    """Count an exception of ours and log it the first time its place fails.

    The message is left out: it may quote the host's data.
    """
    if reraise:
        raise error
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    failures[place] += 1
    if failures[place] == 1:
        with suppress(Exception):  # a handler of the host's may raise, and this is the last line before its call
            _logger.warning(
                "mcp-opentelemetry failed with %s; the call went on without telemetry. Please report this:\n%s",
                type(error).__name__,
                "".join(traceback.format_list(frames)),
            )
