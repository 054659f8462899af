"""The thread of one courier."""

from __future__ import annotations

import logging
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING

from opentelemetry.instrumentation.utils import suppress_instrumentation

from mcp_opentelemetry.alerts.receivers.receiver import RejectedError
from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from threading import RLock

    from mcp_opentelemetry.alerts.courier import Courier

_logger = logging.getLogger("mcp_opentelemetry.alerts")


class Worker:
    """Lets a courier go whenever there is something to bring.

    Args:
        courier: who goes.
        lock: the courier's.
    """

    def __init__(self, courier: Courier, lock: RLock) -> None:
        self.courier = courier
        self._bell = Condition(lock)
        self._rung = 0
        self._deadline: float | None = None
        name = f"mcp-opentelemetry-alerts-{courier.receiver.kind}"
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Say that there may be something to bring."""
        with self._bell:
            self._rung += 1
            self._bell.notify_all()

    def hurry(self, deadline: float) -> None:
        """Bring what is left, and end; a receiver that fails is tried again if its pause leaves time for it.

        Args:
            deadline: until when, on the monotonic clock.
        """
        with self._bell:
            self._deadline = deadline
            self.courier.hurry(deadline)
            self._bell.notify_all()

    def join(self, seconds: float) -> None:
        """Wait for the end, but not for longer than that."""
        self._thread.join(seconds)

    def _run(self) -> None:
        with suppress_instrumentation():  # this is no traffic of the server's
            self._prepare()
            while self._go_once():
                pass

    @guarded
    def _prepare(self) -> None:
        try:
            self.courier.receiver.prepare()
        except RejectedError as error:
            _logger.warning("no alert can be sent to %s: %s", self.courier.receiver.name, error)

    def _go_once(self) -> bool:
        with self._bell:
            rung, deadline = self._rung, self._deadline
        wait = guarded(self.courier.step)()
        if deadline is not None and (wait is None or monotonic() + wait >= deadline):
            return False
        with self._bell:
            self._bell.wait_for(lambda: self._rung != rung or self._deadline != deadline, wait)
        return True
