"""One sink behind a queue and a thread of its own: a slow disk or a full pipe holds up nobody else."""

from __future__ import annotations

import logging
import os
import threading
from queue import SimpleQueue
from time import time
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.logs.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST: Final = 10_000  # lines that wait


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
        self._start_over()

    def put(self, line: Line) -> None:
        """Have a line written; where too many wait, it is counted and dropped."""
        if os.getpid() != self._process:
            self._start_over()  # a forked child has no threads, and what waits is its parent's
        if self._queue.qsize() >= _MOST:
            self._dropped += 1
            return
        self._queue.put(line)
        if self._thread is None:
            self._start()

    def flush(self, seconds: float) -> None:
        """Wait until all is written that waits now, but not for long.

        Args:
            seconds: how long.
        """
        thread = self._thread
        if os.getpid() != self._process or thread is None or thread is threading.current_thread():
            return
        if thread.is_alive():
            written = threading.Event()
            self._queue.put(written)
            written.wait(seconds)

    def close(self, seconds: float) -> None:
        """Write what waits, and end.

        Args:
            seconds: how long that may take.
        """
        thread = self._thread
        if thread is not None and os.getpid() == self._process:
            self._queue.put(None)
            thread.join(seconds)

    def _start_over(self) -> None:
        self._process = os.getpid()
        self._queue: SimpleQueue[Line | threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._dropped = 0

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name=f"mcp-opentelemetry-log-{self._name}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter ends and starts no threads any more
                while not self._queue.empty():
                    self._take(self._queue.get())  # at once
            else:
                self._thread = thread

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
        if self._dropped and self._queue.empty():
            dropped, self._dropped = self._dropped, 0
            text = f"{dropped} log records were dropped: {self._name} could not keep up"
            self._write(Line(time(), logging.WARNING, "WARNING", "mcp_opentelemetry.logs", text))
