"""One SQLite file of the journal, held by one process at a time."""

from __future__ import annotations

import ctypes
import os
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from mcp_opentelemetry.alerts import alert_text
from mcp_opentelemetry.alerts.outbox import Entry, numbers
from mcp_opentelemetry.forks import in_child

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from mcp_opentelemetry.alerts.alert import Alert

_VERSION: Final = 1
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS active (fingerprint TEXT PRIMARY KEY, alert TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS deliveries (
        number INTEGER PRIMARY KEY, receiver TEXT NOT NULL, alert TEXT NOT NULL, queued_at REAL NOT NULL
    )""",
    f"PRAGMA user_version = {_VERSION}",
)


class BusyError(Exception):
    """Another process holds the file."""


class Saved(NamedTuple):
    """What a process left behind: what was active, and what it still owed."""

    active: list[Alert]
    entries: list[Entry]


class JournalFile:
    """A file that is ours until we close it or die. Not safe for threads by itself.

    Args:
        path: where it is, or will be.

    Raises:
        BusyError: another process holds it.
        sqlite3.Error: it cannot be opened or written, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():  # an existing one must not be opened beside SQLite: closing it would undo the locks
            with suppress(OSError):
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._claim()
        except sqlite3.Error as error:
            self._connection.close()
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise BusyError from None
            raise
        in_child(self._leave_to_parent)

    def read(self) -> Saved:
        """Return what is in it; rows that make no sense are left out."""
        active: list[Alert] = []
        entries: list[Entry] = []
        for (text,) in self._connection.execute("SELECT alert FROM active"):
            with suppress(ValueError, TypeError):
                active.append(alert_text.load(text))
        for row in self._connection.execute("SELECT receiver, alert, queued_at FROM deliveries ORDER BY number"):
            receiver, text, queued_at = row
            with suppress(ValueError, TypeError):
                alert = alert_text.load(text)
                entries.append(Entry(next(numbers), str(receiver), alert, text, float(queued_at), attempts=1))
        return Saved(active, entries)

    def write(self, added: Sequence[Entry], removed: Sequence[Entry], active: Sequence[Alert] | None) -> None:
        """Change it, all or nothing; what is written has reached the disk when this returns.

        Args:
            added: what is owed from now on.
            removed: what is owed no longer.
            active: what is active now; `None` if that is still the same.
        """
        with self._transaction() as connection:
            connection.executemany("DELETE FROM deliveries WHERE number = ?", [(entry.number,) for entry in removed])
            _add(connection, added)
            if active is not None:
                _set_active(connection, active)

    def replace(self, saved: Saved) -> None:
        """Change everything in it, all or nothing."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM deliveries")
            _add(connection, saved.entries)
            _set_active(connection, saved.active)

    def close(self) -> None:
        """Let others have it."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _claim(self) -> None:
        # Held until the connection closes, and by nobody once the process is dead.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA journal_size_limit = 1048576")
        with self._transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in {0, _VERSION}:
                raise sqlite3.DatabaseError(f"it is of version {version}, and only {_VERSION} is known")
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("SELECT count(alert) FROM active").fetchone()
            connection.execute("SELECT count(alert) FROM deliveries").fetchone()

    def _leave_to_parent(self) -> None:
        # SQLite believes the copy to be the holder of the file: closing it, as Python does with what nobody needs any
        # more, would take away the log that the parent goes on writing to. So somebody needs it for ever.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise


def _add(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    rows = [(entry.number, entry.receiver, entry.text, entry.queued_at) for entry in entries]
    connection.executemany("INSERT INTO deliveries VALUES (?, ?, ?, ?)", rows)


def _set_active(connection: sqlite3.Connection, active: Sequence[Alert]) -> None:
    connection.execute("DELETE FROM active")
    rows = [(alert.fingerprint, alert_text.dump(alert)) for alert in active]
    connection.executemany("INSERT OR REPLACE INTO active VALUES (?, ?)", rows)
