"""How long a receiver that failed is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST: Final = 1.0
LONGEST: Final = 300.0


class Backoff:
    """Exponential, with full jitter: those who failed together do not come back together.

    Args:
        random: returns numbers from 0 to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self.failures = 0
        """In a row, up to now."""

    def failed(self, retry_after: float | None) -> float:
        """Return how long to wait now, in seconds; at least as long as the receiver asked for."""
        ceiling = min(LONGEST, FIRST * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return max(self._random() * ceiling, retry_after or 0.0)

    def succeeded(self) -> None:
        """Begin anew."""
        self.failures = 0
