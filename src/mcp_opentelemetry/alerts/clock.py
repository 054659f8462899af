"""Time and chance."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Clock:
    """Where both come from, so that tests can do without them.

    Args:
        wall: seconds since the epoch.
        monotonic: seconds since whenever.
        random: numbers from 0 to 1.
    """

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
