"""A STUB of what keeps spans and logs behind a collector: it goes away and comes back at the same address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import Self

from tests.integration.otlp_receiver import Receiver, http_receiver
from tests.integration.processes import free_port

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Backend:
    """Listens from `come` to `go`, and in `with`."""

    def __init__(self) -> None:
        self._port = free_port()
        self._lives: list[Receiver] = []
        self._running: AbstractContextManager[Receiver] | None = None
        self.endpoint = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.come()
        return self

    def __exit__(self, *_: object) -> None:
        self.go()

    def come(self) -> None:
        """Listen."""
        self._running = http_receiver(port=self._port)
        self._lives.append(self._running.__enter__())

    def go(self) -> None:
        """Be away: connections are refused."""
        if self._running:
            self._running.__exit__(None, None, None)
            self._running = None

    def refuse(self, status: int) -> None:
        """Answer everything with an HTTP status from now on; 0 to take it again."""
        self._lives[-1].refuses = status

    def requests(self) -> int:
        """Return how often it was asked in this life."""
        return self._lives[-1].requests

    def logged(self) -> list[str]:
        """Return the texts of all log records that have arrived."""
        return [text for life in self._lives for text in life.logged()]

    def spans(self) -> list[bytes]:
        """Return the ids of all spans that have arrived, as often as they have."""
        return [span.span_id for life in self._lives for span in life.spans]
