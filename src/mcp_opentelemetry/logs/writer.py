"""One sink behind a queue and a thread of its own: a slow disk or a full pipe holds up nobody else."""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue
from time import time
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.forks import in_child
from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.logs.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST: Final = 10_000  # lines that wait
_MOST_CHARACTERS: Final = 50_000_000


class Writer:
    """Writes lines in the order in which they come.

    Args:
        name: of what is written to.
        write: writes one; may block.
        end: called when no more are to come, in the thread that has written them.
    """

    def __init__(self, name: str, write: Callable[[Line], None], end: Callable[[], None] = lambda: None) -> None:
        self._name = name
        self._write = guarded(write)
        self._end = guarded(end)
        self._is_forked = False
        self._begin()
        in_child(self._begin_in_child)

    def put(self, line: Line) -> None:
        """Have a line written; where too much waits, it is counted and dropped."""
        if self._is_forked:
            self._take(line)  # a child may end without notice, and takes its threads along
            return
        with self._lock:
            if self._waiting + line.size > _MOST_CHARACTERS or self._queue.qsize() >= _MOST:
                self._dropped += 1
                return
            self._waiting += line.size
            self._queue.put(line)
        if self._thread is None:
            self._start()

    def flush(self, seconds: float) -> None:
        """Wait until all is written that waits now, but not for long.

        Args:
            seconds: how long.
        """
        thread = self._thread
        if thread is not None and thread is not threading.current_thread() and thread.is_alive():
            written = threading.Event()
            self._queue.put(written)
            written.wait(seconds)

    def close(self, seconds: float) -> None:
        """Write what waits, and end.

        Args:
            seconds: how long that may take.
        """
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(seconds)

    def _begin(self) -> None:
        self._queue: SimpleQueue[Line | threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()  # the garbage collector may log at any moment, in this very thread
        self._dropped = self._waiting = 0

    def _begin_in_child(self) -> None:
        self._begin()  # what waits is the parent's
        self._is_forked = True

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name=f"mcp-opentelemetry-log-{self._name}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter ends and starts no threads any more
                pass
            else:
                self._thread = thread
                return
        while not self._queue.empty():
            self._take(self._queue.get())

    @guarded
    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            self._take(item)
        self._end()

    @guarded
    def _take(self, item: Line | threading.Event | None) -> None:
        if not isinstance(item, Line):
            if item is not None:
                item.set()
            return
        self._write(item)
        with self._lock:
            self._waiting = max(0, self._waiting - item.size)
            dropped = self._dropped if self._queue.empty() else 0
            self._dropped -= dropped
        if dropped:
            text = f"{dropped} log records were dropped: {self._name} could not keep up"
            self._write(Line(time(), logging.WARNING, "WARNING", "mcp_opentelemetry.logs", text))
