"""All checks together: run when their results are old, each once at a time, and read by whoever asks."""

from __future__ import annotations

import asyncio
import logging
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.health import checks
from mcp_opentelemetry.health.run import Run
from mcp_opentelemetry.health.state import CheckState
from mcp_opentelemetry.health.verdict import Status
from mcp_opentelemetry.logs.line import EVENT_NAME

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable, Mapping

    from mcp_opentelemetry.health.state import Transition
    from mcp_opentelemetry.health.verdict import Verdict

    BuiltIn = Callable[[], Verdict | None]

PATIENCE: Final = 0.35
"""Seconds that a probe waits for checks that are running; then it is told what was known before."""

# Without a probe: an orchestrator may ask for /livez alone, and the gauge and the log should still tell the truth.
_UNASKED: Final = 15.0

_logger = logging.getLogger("mcp_opentelemetry.health")


class Health:
    """The checks of this process.

    Args:
        built_in: ours, by name. They only read what is known and take no time; `None` means that there is nothing
            to say, such as about exporters where nothing is exported.
        loop: returns the event loop that serves, if one does.
    """

    def __init__(self, built_in: Mapping[str, BuiltIn], loop: Callable[[], AbstractEventLoop | None]) -> None:
        self._built_in = built_in
        self._loop = loop
        self._lock = Lock()
        self._states: dict[str, CheckState] = {}

    def refresh(self, *, unasked: bool = False) -> list[Run]:
        """Look at everything, and start each check whose result is too old.

        Args:
            unasked: whether nobody is waiting: then checks run only every 15 seconds.

        Returns:
            the runs under way that have not had their time yet.
        """
        with self._lock:
            self._keep_in_step()
            transitions = self._harvest()
            for state in self._states.values():
                if state.check is not None and state.is_due(max(state.check.ttl, _UNASKED if unasked else 0)):
                    state.run = Run(state.check, self._loop())
            transitions += self._look_at_built_in()
            running = [state.run for state in self._states.values() if state.run is not None and not state.is_stuck]
        _report(transitions)
        return running

    async def settled(self, patience: float = PATIENCE) -> None:
        """Refresh, and wait for what is running, but not for long.

        Args:
            patience: seconds to wait at most.
        """
        if runs := self.refresh():
            await _wait_for(runs, patience)
            with self._lock:
                transitions = self._harvest()
            _report(transitions)

    def states(self) -> list[CheckState]:
        """Return what is known of each check that has anything to say."""
        with self._lock:
            return [state for state in self._states.values() if state.check is not None or state.verdict is not None]

    def status(self) -> Status:
        """Return the worst of all."""
        return max((state.status for state in self.states()), default=Status.HEALTHY)

    def failing_critical(self) -> list[str]:
        """Return the names of the user's critical checks that fail, or have not come to a result."""
        return [
            state.name
            for state in self.states()
            if state.check is not None and state.check.critical and state.status is Status.UNHEALTHY
        ]

    def _keep_in_step(self) -> None:
        present = {check.name: check for check in checks.registered()}
        for name in [*self._states]:
            state = self._states[name]
            if state.check is not None and present.get(name) is not state.check:
                del self._states[name]
        for check in present.values():
            if check.name not in self._states:
                self._states[check.name] = CheckState(check.name, check)

    def _harvest(self) -> list[Transition]:
        return [transition for state in self._states.values() if (transition := state.harvest())]

    def _look_at_built_in(self) -> Iterable[Transition]:
        for name, look in self._built_in.items():
            start = perf_counter()
            verdict = guarded(look)()
            if verdict is None:
                self._states.pop(name, None)
                continue
            state = self._states.setdefault(name, CheckState(name))
            if transition := state.take(verdict, perf_counter() - start):
                yield transition


async def _wait_for(runs: list[Run], seconds: float) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return  # on trio: the next probe sees it
    ends = [asyncio.wrap_future(run.ended) for run in runs]
    try:
        await asyncio.wait(ends, timeout=seconds)
    finally:
        for end in ends:
            end.cancel()  # this loop may be closed by then


@guarded
def _report(transitions: Iterable[Transition]) -> None:
    for transition in transitions:
        level = logging.WARNING if transition.after > transition.before else logging.INFO
        reason = f" ({transition.error})" if transition.error else ""
        event = {
            EVENT_NAME: "mcp.health.transition",
            "mcp.health.check": transition.name,
            "mcp.health.before": str(transition.before),
            "mcp.health.after": str(transition.after),
        }
        text = "health check %s: %s -> %s%s"
        _logger.log(level, text, transition.name, transition.before, transition.after, reason, extra=event)
