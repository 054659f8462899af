"""Alertmanager itself, told as Prometheus tells it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.alerts.receivers.http_post import post
from mcp_opentelemetry.alerts.receivers.receiver import Receiver
from mcp_opentelemetry.alerts.receivers.wire import moment, started

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.urls import Address

PATH: Final = "/api/v2/alerts"


class Alertmanager(Receiver):
    """Posts to `/api/v2/alerts`, and again and again for as long as an alert fires and a while beyond.

    Args:
        address: with the path of the API.
        name: what may be shown of it.
        key: see `Receiver`.
    """

    kind = "alertmanager"
    batch = 64  # as many as Prometheus puts into one request
    repeats = True

    def __init__(self, address: Address, name: str, key: str) -> None:
        super().__init__(name, key)
        self._address = address

    def send(self, alerts: Sequence[Alert], *, timeout: float, valid_until: float) -> None:
        body = json.dumps([entry(alert, valid_until) for alert in alerts]).encode()
        post(self._address, body, headers={}, timeout=timeout)


def entry(alert: Alert, valid_until: float) -> dict[str, Any]:
    """Return an alert as the API takes it.

    Args:
        alert: firing or resolved.
        valid_until: the end of one that fires, in seconds since the epoch: it ends then unless it is sent again.
    """
    return {
        "labels": plain_labels(alert.labels),
        "annotations": plain_labels(alert.annotations),
        "startsAt": moment(started(alert)),
        "endsAt": moment(valid_until if alert.resolved_at is None else alert.resolved_at),
        "generatorURL": "",
    }


def plain_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels whose names every Alertmanager takes; values whose names become the same are joined by `;`."""
    joined: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in sorted(labels.items()):
        plain = re.sub(r"[^a-zA-Z0-9_]", "_", name)
        joined[f"_{plain}" if plain[:1].isdigit() else plain].append(value)
    return {name: ";".join(values) for name, values in joined.items() if name}
