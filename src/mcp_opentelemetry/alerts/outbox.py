"""What waits for one receiver: in order for each alert, with what nobody needs any more taken out, and bounded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mcp_opentelemetry.alerts.alert import Alert

MOST_ENTRIES: Final = 10_000
MOST_BYTES: Final = 8 * 1024 * 1024

numbers: Final = count(1)
"""Of entries, in the order in which they came."""


@dataclass(slots=True, eq=False)
class Entry:
    """One transition that one receiver is still owed.

    Args:
        number: its place in the order.
        receiver: the receiver's key.
        alert: what is to be told.
        text: the same, as it is kept.
        queued_at: since when it waits, in seconds since the epoch.
        attempts: how often it has been sent. What another process left behind counts as sent once: it may have been.
    """

    number: int
    receiver: str
    alert: Alert
    text: str
    queued_at: float
    attempts: int = 0


class Outbox:
    """The entries of one receiver. Not safe for threads by itself.

    Args:
        most_entries: how many are kept.
        most_bytes: how much they may take together.
    """

    def __init__(self, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: dict[int, Entry] = {}
        self._lines: dict[str, deque[Entry]] = {}  # by fingerprint; only the first in a line may be sent
        self._turns: dict[str, None] = {}  # whose first may be sent now: what is under way has no turn

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, fingerprint: str) -> bool:
        return fingerprint in self._lines

    def entries(self) -> list[Entry]:
        """Return all of them, the oldest first."""
        return [*self._entries.values()]

    def oldest(self) -> Entry | None:
        """Return what has been waiting for longest."""
        return next(iter(self._entries.values()), None)

    def has_turns(self) -> bool:
        """Return whether anything may be sent now."""
        return bool(self._turns)

    def add(self, entry: Entry) -> list[Entry]:
        """Put an entry at the end of its line.

        Returns:
            what it made superfluous: a firing with its end, neither of which was ever sent, before the next firing.
        """
        fingerprint = entry.alert.fingerprint
        line = self._lines.setdefault(fingerprint, deque())
        superseded: list[Entry] = []
        if entry.alert.state == "firing" and len(line) > 1:
            start, end = line[-2], line[-1]
            never_sent = not start.attempts and not end.attempts
            if never_sent and start.alert.state == "firing" and end.alert.state == "resolved":
                superseded = [start, end]
                for old in superseded:
                    line.remove(old)
                    self._forget(old)
        if not line:
            self._turns[fingerprint] = None
        line.append(entry)
        self._entries[entry.number] = entry
        self._bytes += len(entry.text)
        return superseded

    def shrink(self) -> list[Entry]:
        """Drop the oldest that are not under way, down to the bounds; returns them."""
        dropped: list[Entry] = []
        for entry in self.entries():
            if len(self._entries) <= self._most_entries and self._bytes <= self._most_bytes:
                break
            fingerprint = entry.alert.fingerprint
            line = self._lines[fingerprint]
            if line[0] is entry and fingerprint not in self._turns:
                continue
            line.remove(entry)
            if not line:
                del self._lines[fingerprint], self._turns[fingerprint]
            self._forget(entry)
            dropped.append(entry)
        return dropped

    def take(self, most: int) -> list[Entry]:
        """Return what is to be sent next, one entry per alert; each is then `done` or `put_back`."""
        taken = [self._lines[fingerprint][0] for fingerprint, _ in zip(self._turns, range(most), strict=False)]
        for entry in taken:
            del self._turns[entry.alert.fingerprint]
            entry.attempts += 1
        return taken

    def done(self, entry: Entry) -> None:
        """Forget an entry that was under way."""
        fingerprint = entry.alert.fingerprint
        self._lines[fingerprint].popleft()
        self._forget(entry)
        if self._lines[fingerprint]:
            self._turns[fingerprint] = None
        else:
            del self._lines[fingerprint]

    def put_back(self, entry: Entry) -> None:
        """Let an entry that was under way have another turn, after all others: it may be the only one that fails."""
        self._turns[entry.alert.fingerprint] = None

    def _forget(self, entry: Entry) -> None:
        del self._entries[entry.number]
        self._bytes -= len(entry.text)
