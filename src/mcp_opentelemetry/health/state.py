"""How well one check is, over its runs: thresholds against flapping, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic, time
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.health.verdict import Status, Verdict

if TYPE_CHECKING:
    from mcp_opentelemetry.health.checks import Check
    from mcp_opentelemetry.health.run import Run

TIMED_OUT: Final = "timeout"


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of a check's status, for one line in the log."""

    name: str
    before: Status
    after: Status
    error: str | None


class CheckState:
    """The memory of one check.

    Args:
        name: the check's name.
        check: the user's check; `None` for a built-in one.
    """

    def __init__(self, name: str, check: Check | None = None) -> None:
        self.name = name
        self.check = check
        self.run: Run | None = None
        self.is_stuck = False
        self.verdict: Verdict | None = None
        self.status = check.failed if check is not None else Status.HEALTHY
        self.since = time()
        self.taken = time()
        self.last_success: float | None = None
        self.duration = 0.0
        self.consecutive_failures = 0
        self._checked = -float("inf")
        self._consecutive_successes = 0

    def age(self) -> float | None:
        """Return how old the last result is, in seconds; `None` before the first."""
        return None if self.verdict is None else monotonic() - self._checked

    def is_due(self, age: float) -> bool:
        """Return whether the last result is older than so many seconds, and no run is under way."""
        return self.run is None and monotonic() - self._checked >= age

    def harvest(self) -> Transition | None:
        """Take over what the run under way has come to, if it has come to anything or has had its time."""
        if (run := self.run) is None:
            return None
        if run.ended.done():
            self.run = None
            if self.is_stuck:  # its failure has been counted, and its result is old
                self.is_stuck = False
                return None
            duration = run.ended.result().seconds
            is_late = duration > run.check.timeout
            verdict = Verdict(run.check.failed, TIMED_OUT) if is_late else run.verdict()
            return self.take(verdict, duration)
        if run.has_timed_out() and (not self.is_stuck or monotonic() - self._checked >= run.check.timeout):
            self.is_stuck = True  # and each further time that it would have had is a further failure
            run.give_up()
            return self.take(Verdict(run.check.failed, TIMED_OUT), run.seconds())
        return None

    def take(self, verdict: Verdict, duration: float = 0.0) -> Transition | None:
        """Take over a result.

        Args:
            verdict: what was found.
            duration: how long that took, in seconds.
        """
        is_first = self.verdict is None
        self.verdict, self.duration, self.taken, self._checked = verdict, duration, time(), monotonic()
        if verdict.status is Status.HEALTHY:
            self.last_success = self.taken
            self.consecutive_failures = 0
            self._consecutive_successes += 1
        else:
            self.consecutive_failures += 1
            self._consecutive_successes = 0
        after = self._status_after(verdict, is_first=is_first)
        before = Status.HEALTHY if is_first else self.status  # what is well from the start is no news
        if is_first or after != self.status:
            self.status, self.since = after, self.taken
        return Transition(self.name, before, after, verdict.error) if before != after else None

    def _status_after(self, verdict: Verdict, *, is_first: bool) -> Status:
        if verdict.status is Status.HEALTHY:
            enough = self.check.success_threshold if self.check is not None else 1
            return verdict.status if is_first or self._consecutive_successes >= enough else self.status
        enough = self.check.failure_threshold if self.check is not None else 1
        if self.consecutive_failures >= enough or (self.status is not Status.HEALTHY and not is_first):
            return verdict.status
        return Status.HEALTHY
