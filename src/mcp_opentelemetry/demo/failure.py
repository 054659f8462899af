"""How the demo fails: with a sentence."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def sentence(error: BaseException) -> str:
    """Return what to tell the user of an exception."""
    while inner := getattr(error, "exceptions", None):  # of a group, the first says enough
        error = inner[0]
    return str(error) if isinstance(error, DemoError) else f"{type(error).__name__}: {error}"
