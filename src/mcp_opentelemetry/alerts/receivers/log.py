"""The log: one line per transition."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.receivers.wire import moment, started
from mcp_opentelemetry.logs.line import EVENT_NAME

if TYPE_CHECKING:
    from mcp_opentelemetry.alerts.alert import Alert

_LEVELS: Final = {
    "page": logging.CRITICAL,
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "info": logging.INFO,
    "none": logging.INFO,
}

_logger = logging.getLogger("mcp_opentelemetry.alerts")


class Log:
    """Writes alerts to the log, as they come: what has been logged is neither queued nor sent again."""

    kind: Final = "log"
    name: Final = "log"

    def write(self, alert: Alert) -> None:
        """Write one line; what fires is as loud as its severity, what is resolved is news of level INFO."""
        level = logging.INFO if alert.state == "resolved" else _LEVELS.get(alert.severity.lower(), logging.WARNING)
        text = alert.annotations.get("summary") or alert.annotations.get("description") or alert.expression
        fields = {
            EVENT_NAME: "mcp.alert.transition",
            "alert_name": alert.name,
            "alert_state": alert.state,
            "alert_severity": alert.severity,
            "alert_fingerprint": alert.fingerprint,
            "alert_labels": dict(alert.labels),
            "alert_annotations": dict(alert.annotations),
            "alert_value": alert.value,
            "alert_starts_at": moment(started(alert)),
            "alert_ends_at": None if alert.resolved_at is None else moment(alert.resolved_at),
        }
        _logger.log(level, "alert %s %s%s", alert.name, alert.state, f": {text}" if text else "", extra=fields)
