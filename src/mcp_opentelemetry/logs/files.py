"""A log file of this process; what goes wrong with it is said once, and tried again."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.logs.archives import make_handler, once

if TYPE_CHECKING:
    from mcp_opentelemetry.config import Settings
    from mcp_opentelemetry.logs.formats import Format
    from mcp_opentelemetry.logs.line import Line


class LogFile:
    """The log file of this process.

    Args:
        path: where it is.
        settings: when it is archived.
        write: what lines look like in it.
    """

    def __init__(self, path: Path, settings: Settings, write: Format) -> None:
        self._path = path
        self._settings = settings
        self._advise = once(say)
        self._format = write
        self._process = 0
        self._handler: Any = None
        self._lost = 0

    def write(self, line: Line) -> None:
        """Write a line; one that cannot be written is counted."""
        try:
            if self._handler is None or self._process != os.getpid():  # a lock is a process's own, and a fork's too
                self._handler, self._process = self._open(), os.getpid()
            self._handler.handle(logging.makeLogRecord({"msg": self._format(line)}))
        except (OSError, ValueError) as error:  # the last where somebody has closed it meanwhile
            self._fail(error)
        else:
            self._succeed()

    def close(self) -> None:
        """Close the file."""
        handler, self._handler = self._handler, None
        if handler is not None:
            with suppress(OSError):  # what is still in its buffer could not be written before
                handler.close()

    def _open(self) -> Any:
        if self._path.exists() and (not self._path.is_file() or _is_stdout(self._path)):
            raise OSError("it is no regular file, or standard output")
        if _is_others(self._path):
            raise OSError("the application writes to it, and would write on to an archive")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handler: Any = make_handler(self._path, self._settings, self._advise)
        if self._lost:
            _finish_last_line(Path(handler.baseFilename))
        return handler

    def _fail(self, error: Exception) -> None:
        self.close()
        if not self._lost:
            say(f"cannot write to {self._path} ({error}): log records are lost there until that is over")
        self._lost += 1

    def _succeed(self) -> None:
        if self._lost:
            say(f"{self._path} can be written to again; {self._lost} log records are missing there")
            self._lost = 0


def say(text: str) -> None:
    """Say on standard error what logging cannot, because it is about logging."""
    with suppress(OSError, ValueError, AttributeError):  # nobody listens
        print(f"mcp-opentelemetry: {text}", file=sys.stderr, flush=True)  # noqa: T201 (not stdout)


def _is_stdout(path: Path) -> bool:
    with suppress(OSError):  # it is closed
        return os.path.samestat(path.stat(), os.fstat(1))
    return False


def _is_others(path: Path) -> bool:
    """Return whether a handler of the application's has the file open."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = [handler for logger in loggers for handler in getattr(logger, "handlers", ())]
    return any(isinstance(handler, logging.FileHandler) and handler.baseFilename == str(path) for handler in handlers)


def _finish_last_line(path: Path) -> None:
    """End the line that a full disk has cut, so that the next one is whole."""
    with suppress(FileNotFoundError), path.open("rb+") as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
            file.write(b"\n")
