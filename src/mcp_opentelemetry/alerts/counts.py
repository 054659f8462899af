"""What has become of alerts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """What has become of a receiver's alerts, since the start.

    Args:
        sent: that it took, repetitions included.
        failed: attempts that came to nothing.
        retried: attempts that were not the first.
        dropped: that were given up because too many waited.
        dead: that it refused.
    """

    sent: int = 0
    failed: int = 0
    retried: int = 0
    dropped: int = 0
    dead: int = 0
