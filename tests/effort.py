"""How many random examples a run tries: all of them, or a part where the same has been proved on another Python."""

from __future__ import annotations

import os
from typing import Final

_PART: Final = float(os.environ.get("MCP_TESTS_PART") or 1)


def part_of(number: int) -> int:
    """Return how many of so many examples, or of so many repetitions, this run tries; one at least."""
    return max(1, round(number * _PART))
