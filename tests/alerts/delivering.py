"""Deliveries to receivers that answer as they are told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.clock import Clock
from mcp_opentelemetry.alerts.delivery import Delivery
from mcp_opentelemetry.alerts.journal import Journal
from mcp_opentelemetry.alerts.receivers.entries import read_receivers
from mcp_opentelemetry.alerts.receivers.receiver import Receiver, RejectedError
from tests.alerts.sink import Sink
from tests.waiting import DEADLINE

SOON = Clock(random=lambda: 0.001)
"""The real time, and hardly any pause between attempts."""


class Scripted(Receiver):
    """Raises what it is told to, in turn, and then nothing any more."""

    kind = "scripted"

    def __init__(self, *answers: Exception | None, batch: int = 1, repeats: bool = False) -> None:
        super().__init__("scripted", "1")
        self.answers = deque(answers)
        self.batch, self.repeats = batch, repeats
        self.sent: list[list[tuple[str, str]]] = []
        self.valid_until = 0.0

    def send(self, alerts: Sequence[Alert], *, timeout: float, valid_until: float) -> None:
        self.sent.append([(alert.name, alert.state) for alert in alerts])
        self.valid_until = valid_until
        if any(alert.name == "Bad" for alert in alerts):
            raise RejectedError("HTTP 400")
        if self.answers and (error := self.answers.popleft()):
            raise error


@contextmanager
def delivering(*entries: Any, directory: Path | None = None) -> Iterator[Delivery]:
    receivers = [one for entry in entries for one in (read_receivers(entry) if isinstance(entry, str) else [entry])]
    delivery = Delivery(receivers, Journal(directory), 15.0, SOON)
    try:
        yield delivery
    finally:
        delivery.close(DEADLINE)
        # What is still under way then, and whatever it logs, belongs to this test and to no other.
        for worker in delivery._workers:
            worker.join(DEADLINE)


def told(sink: Sink) -> list[str]:
    return [received.body["status"] for received in sink.received if received.answered == 200]
