"""What every receiver is, and the two ways in which it can fail."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_opentelemetry.alerts.alert import Alert


class UnavailableError(Exception):
    """Not now: it is tried again.

    Args:
        reason: for people, with no secrets in it.
        retry_after: seconds that the receiver wants to be left alone for, if it said so.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class RejectedError(Exception):
    """Never: the receiver does not want this, and another attempt would change nothing."""


class Receiver(ABC):
    """A place that alerts are sent to, by one thread of its own, which may block.

    Args:
        name: what may be shown of it.
        key: the same after a restart, different for each receiver, and free of secrets.
    """

    kind: str
    batch: int = 1
    """Alerts in one message, at most."""
    repeats: bool = False
    """Whether it forgets what it is not told again and again."""

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self.key = f"{self.kind}:{key}"

    def prepare(self) -> None:  # noqa: B027 (most have nothing to prepare)
        """Do what takes time and is done once, before the first message.

        Raises:
            RejectedError: nothing can ever be sent to it.
        """

    @abstractmethod
    def send(self, alerts: Sequence[Alert], *, timeout: float, valid_until: float) -> None:
        """Send some alerts, in one message; each is firing or resolved, and no two have the same labels.

        Args:
            alerts: as many as `batch` at most.
            timeout: seconds that this may take.
            valid_until: seconds since the epoch up to which what fires is to be believed if nothing more is heard.

        Raises:
            UnavailableError: it is to be tried again.
            RejectedError: it is not.
        """
