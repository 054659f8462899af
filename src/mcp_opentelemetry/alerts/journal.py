"""The durable journal: what is active and what is still owed outlives the process, if the disk lets it."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.journal_file import BusyError, JournalFile, Saved
from mcp_opentelemetry.alerts.outbox import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.outbox import Entry

_MOST_FILES: Final = 256  # processes of one service on one machine

_logger = logging.getLogger("mcp_opentelemetry.alerts")


class Journal:
    """A journal in the first file of a directory that no living process holds. Not safe for threads by itself.

    It never raises: without a file, or when the disk does not take any more, it says so once and everything goes on
    in memory.

    Args:
        directory: where the files `alerts-0.db`, `alerts-1.db` … are; `None`: memory only.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._file: JournalFile | None = None
        self._is_behind = False
        self.last_error = ""

    @property
    def path(self) -> Path | None:
        """The file; `None` without one."""
        return None if self._file is None else self._file.path

    @property
    def is_durable(self) -> bool:
        """Whether everything that was recorded is on the disk."""
        return self._file is not None and not self._is_behind

    def open(self) -> Saved:
        """Take a file, and what dead processes left behind in it and in the others, oldest first."""
        if self._directory is None:
            return Saved([], [])
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = next(self._free(self._candidates()))
        except (OSError, ValueError, sqlite3.Error, StopIteration) as error:  # ValueError: no path at all
            self._warn(error if str(error) else OSError(f"all {_MOST_FILES} files are in use"))
            return Saved([], [])
        try:
            saved = file.read()
        except sqlite3.Error as error:
            file.close()
            self._warn(error)
            return Saved([], [])
        self._file = file
        return self._adopted(file, saved)

    def record(
        self,
        everything: Callable[[], Saved],
        added: Sequence[Entry] = (),
        removed: Sequence[Entry] = (),
        active: Sequence[Alert] | None = None,
    ) -> None:
        """Put a change on the disk, all or nothing.

        Args:
            everything: returns all that should be in the journal, for the time after a failure.
            added: what is owed from now on.
            removed: what is owed no longer.
            active: what is active now; `None` if that is still the same.
        """
        if self._file is None:
            return
        try:
            if self._is_behind:
                self._file.replace(everything())
                self._is_behind = False
                _logger.info("the alert journal %s is written again", self._file.path)
            else:
                self._file.write(added, removed, active)
        except (OSError, sqlite3.Error) as error:
            if not self._is_behind:
                self._is_behind = True
                self._warn(error)

    def close(self) -> None:
        """Leave the file to the next process."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _adopted(self, own: JournalFile, saved: Saved) -> Saved:
        others: list[JournalFile] = []
        try:
            others += self._free(path for path in self._candidates() if path != own.path and path.exists())
            saved = _merged([saved, *(file.read() for file in others)])
            own.replace(saved)
            for file in others:
                file.replace(Saved([], []))
        except sqlite3.Error as error:
            self._is_behind = True
            self._warn(error)
        for file in others:
            file.close()
        return saved

    def _candidates(self) -> Iterator[Path]:
        for number in range(_MOST_FILES):
            yield Path(self._directory or "") / f"alerts-{number}.db"

    def _free(self, paths: Iterator[Path]) -> Iterator[JournalFile]:
        for path in paths:
            is_new = not path.exists()
            try:
                yield JournalFile(path)
            except BusyError:
                continue
            except sqlite3.Error as error:
                if is_new:
                    raise
                _logger.warning("the alert journal %s is damaged or not ours (%s); it is left alone", path, error)

    def _warn(self, error: Exception) -> None:
        self.last_error = f"{type(error).__name__}: {error}"
        _logger.warning(
            "the alert journal in %s cannot be written (%s); alerts go on from memory: what is under way is lost if "
            "this process dies",
            self._directory,
            self.last_error,
        )


def _merged(parts: Sequence[Saved]) -> Saved:
    active = {alert.fingerprint: alert for part in reversed(parts) for alert in part.active}
    # By time across the files, but in each file as it was: a clock may have been put back.
    entries = [*merge(*(part.entries for part in parts), key=lambda entry: entry.queued_at)]
    for entry in entries:
        entry.number = next(numbers)
    return Saved([*active.values()], entries)


def state_directory(service: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return where a service keeps what outlives its processes; `None` if the user has no home.

    Args:
        service: the service's name.
        environ: names and values as in `os.environ`.
    """
    base = Path(environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():
        try:
            base = Path.home() / ".local" / "state"
        except RuntimeError:
            return None
    return base / "mcp-opentelemetry" / (re.sub(r"[^\w.-]|^\.+", "_", service) or "_")
