"""Files that are archived by size or time: of one process by the standard library, of several by an extra."""

from __future__ import annotations

import gzip
import logging
import os
import shutil
from importlib.util import find_spec
from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.config import Settings

    Say = Callable[[str], None]

_FOR_SEVERAL: Final = "concurrent_log_handler"
_MOST_NAMES: Final = 100
_PAUSE: Final = 60.0  # seconds until a file that could not be archived is tried again


def make_handler(path: Path, settings: Settings, say: Say) -> logging.Handler:
    """Return a handler that writes to a file and archives it.

    Args:
        path: the file; without the extra `logs` it gets a number where another process has it.
        settings: when it is archived.
        say: told what a person should know.

    Raises:
        OSError: it cannot be written there; so does the handler's `emit`.
    """
    has_extra = find_spec(_FOR_SEVERAL) is not None
    handler: Any = _for_several(path, settings) if has_extra else _for_one(path, settings, say)
    handler.handleError = _raise
    return handler


def _for_several(path: Path, settings: Settings) -> logging.Handler:
    import concurrent_log_handler as concurrent  # noqa: PLC0415 (an extra)

    common: dict[str, Any] = {
        "maxBytes": settings.log_max_bytes,
        "backupCount": settings.log_backups,
        "encoding": "utf-8",
        "use_gzip": True,
    }
    if settings.log_rotate is None:
        return concurrent.ConcurrentRotatingFileHandler(str(path), **common)
    handler: Any = concurrent.ConcurrentTimedRotatingFileHandler(str(path), **_times(settings.log_rotate), **common)
    handler.clh.handleError = _raise
    return handler


def _for_one(path: Path, settings: Settings, say: Say) -> logging.Handler:
    own = _own_path(path)
    if own != path:
        say(
            f"{path} is another process's, so this one writes to {own}; "
            "one file for all needs: pip install 'mcp-opentelemetry[logs]'"
        )
    if settings.log_rotate is None:
        handler: Any = _BySize(own, "a", settings.log_max_bytes, settings.log_backups, encoding="utf-8", delay=True)
    else:
        times, backups = _times(settings.log_rotate), settings.log_backups
        handler = _ByTime(own, **times, backupCount=backups, encoding="utf-8", delay=True)
    handler.namer = lambda name: f"{name}.gz"  # pyright: ignore[reportUnknownLambdaType] (the handler is not typed)
    handler.rotator = _put_away
    handler.complain = once(say)
    return handler


class _Reopening(logging.FileHandler):
    """Opens its file again when somebody has moved or deleted it."""

    def emit(self, record: logging.LogRecord) -> None:
        stream: Any = self.stream
        if stream is not None and not _is_open(stream, self.baseFilename):
            stream.close()
            self.stream: Any = None
        super().emit(record)


class _Archiving(_Reopening):
    """Compresses a full file before anything is moved: what cannot be archived costs no older archive."""

    backupCount: int  # noqa: N815 (the standard library's)
    complain: Say
    _not_before = 0.0

    def shouldRollover(self, record: logging.LogRecord) -> Any:  # noqa: N802 (the standard library's)
        parent: Any = super()
        return monotonic() >= self._not_before and parent.shouldRollover(record)

    def doRollover(self) -> None:  # noqa: N802 (the standard library's)
        parent: Any = super()
        full = Path(self.baseFilename)
        try:
            if self.backupCount > 0:
                _compress(full)
            parent.doRollover()
            if self.backupCount == 0:
                self.close()
                full.unlink()
        except OSError as error:
            self._not_before = monotonic() + _PAUSE
            self.complain(f"cannot archive {full} ({error}): it grows until that is over")
            if self.stream is None:  # pyright: ignore[reportUnnecessaryComparison] (closed to be moved)
                self.stream = self._open()


class _BySize(_Archiving, RotatingFileHandler):
    pass


class _ByTime(_Archiving, TimedRotatingFileHandler):
    pass


def _compress(full: Path) -> None:
    archive = _compressed(full)
    try:
        with full.open("rb") as plain, gzip.open(archive, "wb", compresslevel=6) as file:
            shutil.copyfileobj(plain, file)
    except OSError:
        archive.unlink(missing_ok=True)
        raise


def _compressed(full: Path) -> Path:
    return full.with_name(f".{full.name}.{os.getpid()}.gz")


def _put_away(source: str, target: str) -> None:
    full = Path(source)
    _compressed(full).replace(target)
    full.unlink()


def _times(rotate: float | str) -> dict[str, Any]:
    return {"when": "midnight"} if isinstance(rotate, str) else {"when": "S", "interval": int(rotate)}


def _is_open(stream: Any, path: str) -> bool:
    """Return whether a stream writes to what has this path now."""
    try:
        there, here = Path(path).stat(), os.fstat(stream.fileno())
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


# Of this process's files, held until it ends; a forked child inherits the dictionary, but not what it stands for.
_locks: dict[tuple[int, Path], Any] = {}


def _own_path(path: Path) -> Path:
    """Return a path that no other process writes to: this one, or it with a number."""
    for number in range(1, _MOST_NAMES):
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if (os.getpid(), candidate) in _locks or _lock(candidate):
            return candidate
    return path.with_name(f"{path.stem}-{os.getpid()}{path.suffix}")


def _lock(path: Path) -> bool:
    try:
        import fcntl  # noqa: PLC0415 (there is none on Windows)
    except ImportError:
        return True  # nobody can tell
    lock = path.with_name(f".{path.name}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return False
    except OSError:
        pass  # a file system without locks: nobody can tell
    _locks[os.getpid(), path] = lock
    return True


def once(say: Say) -> Callable[..., None]:
    """Return a function that passes on the first thing that it is told."""
    said: list[str] = []

    def maybe(text: str, *_: object, **__: object) -> None:
        if not said:
            said.append(text)
            say(text)

    return maybe


def _raise(_: logging.LogRecord) -> None:
    """Let through what a handler would print."""
    raise  # noqa: PLE0704 (called inside `except`)
