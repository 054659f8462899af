"""A webhook, told in the words of Alertmanager: whatever understands Alertmanager understands this."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.alerts.alert import ALERT_NAME
from mcp_opentelemetry.alerts.receivers.http_post import post
from mcp_opentelemetry.alerts.receivers.receiver import Receiver
from mcp_opentelemetry.alerts.receivers.wire import NEVER, idempotency_key, moment, started

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.urls import Address


class Webhook(Receiver):
    """Posts Alertmanager's version-4 payload, one transition in each.

    Args:
        address: where to.
        name: what may be shown of it.
        key: see `Receiver`.
    """

    kind = "webhook"

    def __init__(self, address: Address, name: str, key: str) -> None:
        super().__init__(name, key)
        self._address = address

    def send(self, alerts: Sequence[Alert], *, timeout: float, valid_until: float) -> None:
        (alert,) = alerts
        body = json.dumps(payload(alert)).encode()
        post(self._address, body, headers={"Idempotency-Key": idempotency_key(alert)}, timeout=timeout)


def payload(alert: Alert) -> dict[str, Any]:
    """Return the version-4 payload for one alert."""
    status = "resolved" if alert.state == "resolved" else "firing"
    labels, annotations = dict(alert.labels), dict(alert.annotations)
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{ALERT_NAME}={json.dumps(alert.name)}}}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "mcp-opentelemetry",
        "groupLabels": {ALERT_NAME: alert.name},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [
            {
                "status": status,
                "labels": labels,
                "annotations": annotations,
                "startsAt": moment(started(alert)),
                "endsAt": NEVER if alert.resolved_at is None else moment(alert.resolved_at),
                "generatorURL": "",
                "fingerprint": alert.fingerprint,
            }
        ],
    }
