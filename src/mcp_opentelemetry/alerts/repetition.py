"""Telling again what is already known, for a receiver that forgets: as Prometheus tells Alertmanager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from mcp_opentelemetry.alerts.alert import Alert

RESEND_DELAY: Final = 60.0
RESOLVED_RETENTION: Final = 15 * 60.0
"""Seconds for which the end of an alert is told."""


def validity(interval: float) -> float:
    """Return for how many seconds a firing alert is believed: long enough for two failed evaluations or sends.

    Args:
        interval: seconds from one evaluation to the next.
    """
    return 4 * max(interval, RESEND_DELAY)


class Repetition:
    """When each active alert was last told. Moments are in seconds since the epoch."""

    def __init__(self) -> None:
        self._active: Sequence[Alert] = ()
        self._told: dict[str, tuple[float, str]] = {}
        self._refused: set[str] = set()

    def refresh(self, active: Sequence[Alert]) -> None:
        """Take over what is active after an evaluation; what is not in it is never told again."""
        self._active = active
        present = {alert.fingerprint for alert in active}
        self._told = {fingerprint: told for fingerprint, told in self._told.items() if fingerprint in present}
        self._refused &= present

    def due(self, now: float, queued: Container[str]) -> list[Alert]:
        """Return what is to be told again now.

        Args:
            now: the moment.
            queued: fingerprints of alerts with news that were not told yet; they are told first.
        """
        return [alert for alert in self._active if self._is_due(alert, now) and alert.fingerprint not in queued]

    def told(self, alerts: Iterable[Alert], now: float) -> None:
        """Remember what was told."""
        self._told.update({alert.fingerprint: (now, alert.state) for alert in alerts})

    def refused(self, alerts: Iterable[Alert]) -> None:
        """Do not repeat what the receiver does not take: it would take no other alert of the same message either."""
        self._refused.update(alert.fingerprint for alert in alerts)

    def _is_due(self, alert: Alert, now: float) -> bool:
        if alert.fingerprint in self._refused:
            return False
        moment, state = self._told.get(alert.fingerprint, (float("-inf"), ""))
        if alert.resolved_at is not None and now - alert.resolved_at >= RESOLVED_RETENTION:
            return False
        # A clock that was put back must not silence anything.
        return state != alert.state or not 0 <= now - moment < RESEND_DELAY
