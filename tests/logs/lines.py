"""Records and lines for tests, made as the code under test would get them."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from mcp_opentelemetry.logs.line import Line
from mcp_opentelemetry.logs.reading import Reader


class Kept(logging.Handler):
    """Keeps every record, and what a reader makes of it where it was logged."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.lines: list[Line | None] = []
        self._reader = reader

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.lines.append(self._reader.read(record))

    def line(self, logger: str = "weather") -> Line:
        """Return the only line of a logger; others may have something to say meanwhile."""
        (line,) = [line for line in self.lines if line is not None and line.logger == logger]
        return line


@contextmanager
def kept(reader: Reader | None = None, level: int = logging.DEBUG) -> Generator[Kept]:
    """Keep what is logged for a while."""
    root = logging.getLogger()
    handler, before = Kept(reader or Reader()), root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def line(message: str = "hello", **given: Any) -> Line:
    """Return a line."""
    return Line(
        **{"created": 1_700_000_000.25, "level": 20, "level_name": "INFO", "logger": "weather"} | given, message=message
    )
