"""One run of a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_opentelemetry.health.verdict import Verdict, of_raised, of_returned
from mcp_opentelemetry.user_call import UserCall

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from mcp_opentelemetry.health.checks import Check


class Run(UserCall):
    """A run in progress, or one that has ended.

    Args:
        check: what runs.
        loop: the loop that serves, if one does.
    """

    def __init__(self, check: Check, loop: AbstractEventLoop | None) -> None:
        super().__init__(f"check-{check.name}", check.function, check.timeout, loop)
        self.check = check

    def verdict(self) -> Verdict:
        """Return what it has found; only once it has ended."""
        result = self.ended.result()
        if result.error is not None:
            return of_raised(result.error, self.check.failed)
        return of_returned(result.value, self.check.failed)
