"""The alerting of one process: made when a server serves or somebody asks, because reading rules takes a while."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    from mcp_opentelemetry.alerts.alert import Alert
    from mcp_opentelemetry.alerts.delivery import Delivery
    from mcp_opentelemetry.alerts.evaluator import Evaluator
    from mcp_opentelemetry.alerts.receivers.receiver import Receiver
    from mcp_opentelemetry.config import Settings
    from mcp_opentelemetry.window.window import Window

_LAST_SECONDS: Final = 0.4


class Alerting:
    """Rules, conditions and receivers of this process.

    Args:
        settings: returns which there are.
        window: what rules are evaluated over.
        loop: returns the event loop that serves, if one does.
        service: returns the service's name.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        window: Window,
        loop: Callable[[], AbstractEventLoop | None],
        service: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._window = window
        self._loop = loop
        self._service = service
        self._lock = threading.Lock()
        self._evaluator: Evaluator | None = None
        self._delivery: Delivery | None = None
        self._is_closed = False

    def start(self) -> None:
        """Begin to evaluate and to deliver, in threads of their own."""
        threading.Thread(target=self._start, name="mcp-opentelemetry-alerts-start", daemon=True).start()

    def close(self, seconds: float) -> None:
        """Stop to evaluate, and deliver what is waiting.

        Args:
            seconds: how long that may take.
        """
        atexit.unregister(self.close)
        with self._lock:
            self._is_closed = True
            evaluator, delivery = self._evaluator, self._delivery
        if evaluator is not None:
            evaluator.close()
        if delivery is not None:
            delivery.close(seconds)

    def leave_to_parent(self) -> None:
        """Do nothing at the end of a forked child: threads, locks and journal are its parent's."""
        atexit.unregister(self.close)

    def evaluator(self) -> Evaluator:
        """Return the evaluator; the first time, it is made."""
        with self._lock:
            if self._evaluator is None:
                self._evaluator = self._make()
            return self._evaluator

    def evaluators(self) -> list[Evaluator]:
        """Return the evaluator, if there is one yet."""
        return [] if self._evaluator is None else [self._evaluator]

    def alerts(self) -> list[Alert]:
        """Return all alerts: pending, firing, and resolved not long ago."""
        return [alert for evaluator in self.evaluators() for alert in evaluator.alerts()]

    def add(self, receiver: Receiver) -> None:
        """Tell one more of alerts, from now on."""
        if self._delivery is not None:
            self._delivery.add(receiver)

    def notifications(self) -> dict[str, dict[str, float]]:
        """Return what has become of notifications, by the kind of receiver."""
        return {} if self._delivery is None else self._delivery.counts()

    def delivery_status(self) -> dict[str, Any] | None:
        """Return how delivery stands, with no secrets; `None` before it has begun."""
        return None if self._delivery is None else self._delivery.status()

    @guarded
    def _start(self) -> None:
        evaluator = self.evaluator()
        with self._lock:
            if not self._is_closed:
                evaluator.start()
                # What is still waiting then stays in the journal, for the next process.
                atexit.register(self.close, _LAST_SECONDS)

    def _make(self) -> Evaluator:
        from mcp_opentelemetry.alerts.assembly import assemble  # noqa: PLC0415 (YAML, PromQL: only where MCP is served)

        evaluator, self._delivery = assemble(self._settings(), self._window, self._loop, self._service())
        return evaluator
