"""Alerts on their way: recorded first, then brought to every receiver, at least once."""

from __future__ import annotations

import logging
import os
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.alerts import alert_text
from mcp_opentelemetry.alerts.clock import Clock
from mcp_opentelemetry.alerts.counts import Counts
from mcp_opentelemetry.alerts.courier import Courier
from mcp_opentelemetry.alerts.journal_file import Saved
from mcp_opentelemetry.alerts.outbox import Entry, Outbox, numbers
from mcp_opentelemetry.alerts.receivers.log import Log
from mcp_opentelemetry.alerts.repetition import RESOLVED_RETENTION
from mcp_opentelemetry.alerts.worker import Worker
from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.journal import Journal
    from mcp_opentelemetry.alerts.receivers.receiver import Receiver

_UNCLAIMED: Final = 24 * 3600.0
"""Seconds for which alerts are kept for a receiver that is not there: it may be added later."""

_logger = logging.getLogger("mcp_opentelemetry.alerts")


class Delivery:
    """What an evaluator hands its alerts to.

    Args:
        receivers: each but the log has a thread of its own.
        journal: keeps what is owed; it is opened with the first receiver that can fail.
        interval: seconds from one evaluation to the next.
        clock: the time.
    """

    def __init__(
        self, receivers: Sequence[Log | Receiver], journal: Journal, interval: float, clock: Clock | None = None
    ) -> None:
        self._clock = clock or Clock()
        self._interval = interval
        self._journal = journal
        self._lock = RLock()
        self._deadline: float | None = None
        self._logs: list[Log] = []
        self._logged = 0
        self._workers: list[Worker] = []
        self._active: Sequence[Alert] = ()
        self._unclaimed: list[Entry] = []
        self._process = os.getpid()
        for receiver in receivers:
            self.add(receiver)

    def add(self, receiver: Log | Receiver) -> None:
        """Send alerts to one more receiver from now on, and what a dead process still owed it."""
        with self._lock:
            if isinstance(receiver, Log):
                self._logs.append(receiver)
                return
            if not self._workers:
                self._open()
            taken = {courier.receiver.key for courier in self._couriers()}
            while receiver.key in taken:
                receiver.key += "'"
            outbox = Outbox()
            for entry in self._unclaimed:
                if entry.receiver == receiver.key:
                    outbox.add(entry)
            self._unclaimed = [entry for entry in self._unclaimed if entry.receiver != receiver.key]
            courier = Courier(receiver, outbox, self._lock, self._settle, self._interval, self._clock)
            courier.refresh(self._active)
            self._workers.append(Worker(courier, self._lock))

    def restore(self) -> list[Alert]:
        """Return the alerts that were firing when the last process died, or had been up to 15 minutes before now."""
        with self._lock:
            return self._recent(self._active)

    @guarded
    def publish(self, transitions: Sequence[Alert], active: Sequence[Alert]) -> None:
        """Take over the outcome of an evaluation; it is on the disk when this returns, and on its way.

        Args:
            transitions: alerts that are newly firing or newly resolved.
            active: all that fire, and those that were resolved in the last 15 minutes.
        """
        with self._lock:
            if self._deadline is not None:
                return
            before, self._active = self._active, self._recent(active)
            added, removed = self._queue([alert for alert in transitions if alert.state != "pending"])
            removed += self._given_up()
            is_changed = {_identity(alert) for alert in before} != {_identity(alert) for alert in self._active}
            if added or removed or is_changed:
                self._journal.record(self._everything, added, removed, self._active)
            for worker in self._workers:
                worker.courier.refresh(self._active)
                worker.ring()
        for log in self._logs:
            for alert in transitions:
                log.write(alert)
        self._logged += len(transitions) * len(self._logs)

    def status(self) -> dict[str, Any]:
        """Return how it stands, for people, with no secrets; ages and waits in seconds."""
        with self._lock:
            return {
                "journal": {
                    "path": None if self._journal.path is None else str(self._journal.path),
                    "durable": self._journal.is_durable,
                    "last_error": self._journal.last_error,
                },
                "receivers": [courier.details() for courier in self._couriers()],
            }

    def counts(self) -> dict[str, dict[str, float]]:
        """Return the counts of each kind of receiver, what is queued, and the age of the oldest in seconds."""
        totals: dict[str, dict[str, float]] = {"log": {"sent": self._logged}} if self._logs else {}
        for details in self.status()["receivers"]:
            total = totals.setdefault(details["kind"], {})
            for name in (*Counts.__dataclass_fields__, "queued"):
                total[name] = total.get(name, 0) + details[name]
            total["oldest_age"] = max(total.get("oldest_age", 0.0), details["oldest_age"])
        return totals

    def close(self, seconds: float) -> None:
        """Send what is left, and stop.

        Args:
            seconds: that this may take; what is then still left stays in the journal.
        """
        if os.getpid() != self._process:
            return  # a fork: the threads, the locks and the file are its parent's
        with self._lock:
            if self._deadline is not None:
                return
            self._deadline = self._clock.monotonic() + seconds
            for worker in self._workers:
                worker.hurry(self._deadline)
        for worker in self._workers:
            worker.join(max(0.0, self._deadline - self._clock.monotonic()))
        with self._lock:
            if left := sum(len(courier.outbox) for courier in self._couriers()):
                fate = "kept for the next start" if self._journal.is_durable else "lost"
                _logger.warning("%d alert notifications could not be sent in time and are %s", left, fate)
            self._journal.close()

    def _open(self) -> None:
        active, entries = self._journal.open()
        self._active = self._active or active
        self._unclaimed = entries

    def _couriers(self) -> list[Courier]:
        return [worker.courier for worker in self._workers]

    def _queue(self, alerts: Sequence[Alert]) -> tuple[list[Entry], list[Entry]]:
        added: list[Entry] = []
        removed: list[Entry] = []
        now = self._clock.wall()
        texts = [alert_text.dump(alert) for alert in alerts] if self._workers else []
        for courier in self._couriers():
            for alert, text in zip(alerts, texts, strict=False):
                added.append(Entry(next(numbers), courier.receiver.key, alert, text, now))
                removed += courier.outbox.add(added[-1])
            dropped = courier.outbox.shrink()
            if dropped and not courier.counts.dropped:
                _logger.warning("too many alerts wait for %s; the oldest are dropped", courier.receiver.name)
            courier.counts.dropped += len(dropped)
            removed += dropped
        gone = {entry.number for entry in removed}
        return [entry for entry in added if entry.number not in gone], removed

    def _given_up(self) -> list[Entry]:
        oldest = self._clock.wall() - _UNCLAIMED
        given_up = [entry for entry in self._unclaimed if entry.queued_at < oldest]
        self._unclaimed = [entry for entry in self._unclaimed if entry.queued_at >= oldest]
        return given_up

    def _settle(self, entries: Sequence[Entry]) -> None:
        if entries:
            self._journal.record(self._everything, removed=entries)

    def _everything(self) -> Saved:
        waiting = [entry for courier in self._couriers() for entry in courier.outbox.entries()]
        return Saved([*self._active], [*self._unclaimed, *waiting])

    def _recent(self, alerts: Sequence[Alert]) -> list[Alert]:
        oldest = self._clock.wall() - RESOLVED_RETENTION
        return [alert for alert in alerts if alert.resolved_at is None or alert.resolved_at > oldest]


def _identity(alert: Alert) -> tuple[str, str, float | None]:
    return alert.fingerprint, alert.state, alert.fired_at
