"""An alert as Alertmanager's interfaces write it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mcp_opentelemetry.alerts.alert import Alert

NEVER: Final = "0001-01-01T00:00:00Z"
"""The end of what has not ended, as Go writes it."""


def moment(seconds: float) -> str:
    """Return a moment as RFC 3339 in UTC, from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def started(alert: Alert) -> float:
    """Return since when it fires, in seconds since the epoch, as Prometheus tells it."""
    return alert.active_since if alert.fired_at is None else alert.fired_at


def idempotency_key(alert: Alert) -> str:
    """Return what is the same for two attempts at one message, and different for any other message."""
    return f"{alert.fingerprint}-{round(started(alert) * 1000)}-{alert.state}"
