"""What a forked child does first: it has a copy of everything that we hold, and none of the threads behind it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from weakref import WeakMethod

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable


def in_child(begin_anew: Callable[[], None]) -> None:
    """Call a method in every child that is forked from now on, for as long as its object lives.

    Children call in the order of registration. Nobody else runs there yet, so a lock may be replaced, and must be: the
    thread that held it has stayed behind.

    Args:
        begin_anew: a bound method.
    """
    if not hasattr(os, "register_at_fork"):
        return
    method = WeakMethod(begin_anew)

    @guarded
    def call() -> None:
        if (alive := method()) is not None:
            alive()

    os.register_at_fork(after_in_child=call)
