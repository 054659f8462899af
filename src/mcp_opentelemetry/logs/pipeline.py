"""The handler on the root logger: reads each record once, and hands it to every sink."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from contextvars import ContextVar
from time import monotonic, time
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.forks import in_child
from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.logs.limit import Limit
from mcp_opentelemetry.logs.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_opentelemetry.logs.reading import Reader

    Sink = Callable[[Line], None]

_is_reading: ContextVar[bool] = ContextVar("mcp_opentelemetry_is_reading", default=False)
_HELD_BACK: Final = "suppressed %d records of %s: it logs more than %d a second"


class Pipeline(logging.Handler):
    """What every record passes.

    Args:
        flush: called when everything is to be written.
    """

    def __init__(self, flush: Callable[[], None]) -> None:
        super().__init__()
        self._flush = guarded(flush)
        self._most = 0
        self._limit = Limit(0, monotonic)
        self._reminder: threading.Timer | None = None
        self._reader: Reader | None = None
        self._sinks: Sequence[Sink] = ()
        in_child(self._begin_anew)

    def connect(self, reader: Reader, sinks: Sequence[Sink], most: int) -> None:
        """Replace everything behind the handler.

        Args:
            reader: makes lines of records.
            sinks: take them; none may block or raise.
            most: records a second and logger that pass; 0 for no limit.
        """
        self._say_now()
        self._reader, self._sinks = reader, [guarded(sink) for sink in sinks]
        self._most, self._limit = most, Limit(most, monotonic)

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record; without a lock, because nothing of ours changes."""
        self.emit(record)
        return True

    @guarded
    def emit(self, record: logging.LogRecord) -> None:
        """Read a record and hand it on; what is logged on the way is not."""
        if self._reader is None or _is_reading.get():
            return
        token = _is_reading.set(True)
        try:
            if not self._limit.passes(record.name, record.levelno):
                self._remind()
            elif (line := self._reader.read(record)) is not None:
                self._give(line)
        finally:
            _is_reading.reset(token)

    @guarded
    def tell_suppressed(self) -> None:
        """Say how many records were held back since this was last said."""
        for logger, count in self._limit.news().items():
            text = _HELD_BACK % (count, logger, self._most)
            self._give(Line(time(), logging.WARNING, "WARNING", logger, text, fields={"suppressed": count}))

    @guarded
    def flush(self) -> None:
        """Have everything written; called by `logging` at the end of the process."""
        self._say_now()
        self._flush()

    def _begin_anew(self) -> None:
        """Wait for no lock and no thread that have stayed with the parent of a forked child."""
        self._limit, self._reminder = Limit(self._most, monotonic), None

    def _remind(self) -> None:
        """Say how many were held back when the second is over: the logger may be silent then."""
        if self._reminder is None:
            reminder = threading.Timer(self._limit.period, self._say_now)
            reminder.daemon = True
            with suppress(RuntimeError):  # at the end of the interpreter: then the end says it
                reminder.start()
                self._reminder = reminder

    @guarded
    def _say_now(self) -> None:
        reminder, self._reminder = self._reminder, None
        if reminder is not None:
            reminder.cancel()
        self.tell_suppressed()

    def _give(self, line: Line) -> None:
        for sink in self._sinks:
            sink(line)
