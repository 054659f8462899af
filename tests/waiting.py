"""Waiting with a deadline for what another thread or process brings about."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

DEADLINE: Final = 30.0  # seconds: a busy machine fails no test
_PAUSE: Final = 0.01


def eventually(is_so: Callable[[], object]) -> None:
    """Return when something has become so, by asking again and again; blocks."""
    deadline = monotonic() + DEADLINE
    while not is_so():
        assert monotonic() < deadline, f"never came true: {is_so}"
        threading.Event().wait(_PAUSE)


async def eventually_async(is_so: Callable[[], object]) -> None:
    """Return when something has become so, while the loop goes on."""
    deadline = monotonic() + DEADLINE
    while not is_so():
        assert monotonic() < deadline, f"never came true: {is_so}"
        await asyncio.sleep(_PAUSE)
