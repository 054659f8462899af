"""Brings alerts to one receiver, in a thread of its own: one that hangs holds up no other."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.alerts.backoff import Backoff
from mcp_opentelemetry.alerts.counts import Counts
from mcp_opentelemetry.alerts.receivers.receiver import RejectedError, UnavailableError
from mcp_opentelemetry.alerts.repetition import Repetition, validity
from mcp_opentelemetry.guard import swallow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import RLock

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.clock import Clock
    from mcp_opentelemetry.alerts.outbox import Entry, Outbox
    from mcp_opentelemetry.alerts.receivers.receiver import Receiver

REQUEST_TIMEOUT: Final = 10.0

_logger = logging.getLogger("mcp_opentelemetry.alerts")


class Courier:
    """Sends what waits for one receiver, a message at a time.

    Args:
        receiver: where to.
        outbox: what waits.
        lock: guards the outbox and the counts.
        settle: called under the lock with what need not be kept any longer.
        interval: seconds from one evaluation to the next.
        clock: the time.
    """

    def __init__(
        self,
        receiver: Receiver,
        outbox: Outbox,
        lock: RLock,
        settle: Callable[[Sequence[Entry]], None],
        interval: float,
        clock: Clock,
    ) -> None:
        self.receiver = receiver
        self.outbox = outbox
        self.counts = Counts()
        self._lock = lock
        self._settle = settle
        self._validity = validity(interval)
        self._clock = clock
        self._backoff = Backoff(clock.random)
        self._not_before = float("-inf")
        self._asked_not_before = float("-inf")  # by the receiver itself
        self._deadline: float | None = None  # monotonic; `None` while there is no hurry
        self._repetition = Repetition() if receiver.repeats else None
        self._last_error = ""
        self._last_success: float | None = None

    def refresh(self, active: Sequence[Alert]) -> None:
        """Take over what is active after an evaluation."""
        if self._repetition is not None:
            self._repetition.refresh(active)

    def hurry(self, deadline: float) -> None:
        """Make an attempt at what is left now, unless the receiver itself asked for time.

        Args:
            deadline: until when, on the monotonic clock.
        """
        with self._lock:
            self._deadline = deadline
            self._not_before = self._asked_not_before

    def step(self) -> float | None:
        """Send one message, if there is any.

        Returns:
            seconds to wait before the next step; 0 if something was sent; `None`: until there is news.
        """
        with self._lock:
            wait = self._not_before - self._clock.monotonic()
            if wait > 0:
                return wait
            entries = self.outbox.take(self.receiver.batch)
            repeated = self._due()[: self.receiver.batch - len(entries)]
            self.counts.retried += sum(entry.attempts > 1 for entry in entries)
        if not entries and not repeated:
            return None
        self._send(entries, repeated)
        return 0.0

    def details(self) -> dict[str, Any]:
        """Return how it stands, with no secrets."""
        with self._lock:
            oldest = self.outbox.oldest()
            return {
                "kind": self.receiver.kind,
                "name": self.receiver.name,
                "failures": self._backoff.failures,
                "queued": len(self.outbox),
                "oldest_age": 0.0 if oldest is None else max(0.0, self._clock.wall() - oldest.queued_at),
                "last_error": self._last_error,
                "last_success": self._last_success,
                "next_attempt_in": max(0.0, self._not_before - self._clock.monotonic()),
                **asdict(self.counts),
            }

    def _due(self) -> list[Alert]:
        # Those who leave tell the news, and no more.
        if self._repetition is None or self._deadline is not None:
            return []
        return self._repetition.due(self._clock.wall(), self.outbox)

    def _send(self, entries: Sequence[Entry], repeated: Sequence[Alert]) -> None:
        alerts = [*(entry.alert for entry in entries), *repeated]
        try:
            self.receiver.send(alerts, timeout=self._timeout(), valid_until=self._clock.wall() + self._validity)
        except RejectedError as error:
            if len(alerts) == 1:
                self._refused(alerts, entries, str(error))
                return
            for entry in entries:  # one of them spoils the others
                self._send([entry], [])
            for alert in repeated:
                self._send([], [alert])
        except UnavailableError as error:
            self._failed(entries, str(error), error.retry_after)
        except Exception as error:  # noqa: BLE001 (a bug of ours is a failed attempt: the alert is not lost)
            self._failed(entries, type(error).__name__, None)
            swallow(error)
        else:
            self._succeeded(alerts, entries)

    def _timeout(self) -> float:
        left = REQUEST_TIMEOUT if self._deadline is None else self._deadline - self._clock.monotonic()
        return min(REQUEST_TIMEOUT, max(0.05, left))

    def _succeeded(self, alerts: Sequence[Alert], entries: Sequence[Entry]) -> None:
        with self._lock:
            if self._backoff.failures:
                _logger.info("alerts reach %s again", self.receiver.name)
            self._backoff.succeeded()
            self._last_success = self._clock.wall()
            self.counts.sent += len(alerts)
            if self._repetition is not None:
                self._repetition.told(alerts, self._clock.wall())
            self._finish(entries)

    def _refused(self, alerts: Sequence[Alert], entries: Sequence[Entry], reason: str) -> None:
        with self._lock:
            self._backoff.succeeded()  # it does answer
            self._last_error = reason
            self.counts.dead += len(entries)
            self.counts.failed += 1
            if entries:
                _logger.warning(
                    "alert %s (%s) was refused by %s and is not sent again: %s",
                    alerts[0].name,
                    alerts[0].state,
                    self.receiver.name,
                    reason,
                )
            if self._repetition is not None:
                self._repetition.refused(alerts)
            self._finish(entries)

    def _failed(self, entries: Sequence[Entry], reason: str, retry_after: float | None) -> None:
        with self._lock:
            if not self._backoff.failures:
                _logger.warning("alerts do not reach %s and are tried again: %s", self.receiver.name, reason)
            self._last_error = reason
            self.counts.failed += 1
            now = self._clock.monotonic()
            self._not_before = now + self._backoff.failed(retry_after)
            self._asked_not_before = now + (retry_after or 0.0)
            for entry in entries:
                self.outbox.put_back(entry)

    def _finish(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.outbox.done(entry)
        self._settle(entries)
