"""A thread that does a few small things, each every so many seconds."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Chore(NamedTuple):
    """What is done every `seconds`, and at the start."""

    seconds: float
    do: Callable[[], object]


class Ticker:
    """Does chores until it is closed.

    Args:
        name: the thread's name.
        chores: none may take long: they wait for each other.
    """

    def __init__(self, name: str, chores: Sequence[Chore]) -> None:
        self._chores = [Chore(chore.seconds, guarded(chore.do)) for chore in chores]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; returns when the chore at hand is done, or after a second."""
        self._is_over.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=1)

    def _run(self) -> None:
        due = [0.0] * len(self._chores)
        while not self._is_over.is_set():
            for number, chore in enumerate(self._chores):
                if due[number] <= monotonic():
                    chore.do()
                    due[number] = monotonic() + chore.seconds
            self._is_over.wait(max(0.0, min(due) - monotonic()))
