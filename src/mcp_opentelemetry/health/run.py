"""One run of a check, raced against its time: it may hang for ever and nobody waits for it."""

from __future__ import annotations

import asyncio
import inspect
import threading
from concurrent.futures import Future
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.utils import suppress_instrumentation

from mcp_opentelemetry.health.verdict import Verdict, of_raised, of_returned

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Awaitable, Callable

    from mcp_opentelemetry.health.checks import Check


class Run:
    """A run in progress, or one that has ended.

    An async check runs on the loop that serves, because what it asks (a pool, a client) belongs to that loop; any
    other one in a thread of its own, which a hanging driver keeps for as long as it hangs.

    Args:
        check: what runs.
        loop: the loop that serves; without one, an async check gets a loop of its own in a thread.
    """

    def __init__(self, check: Check, loop: AbstractEventLoop | None) -> None:
        self.check = check
        self.started = monotonic()
        self.ended: Future[tuple[Verdict, float]] = Future()
        self.ended.set_running_or_notify_cancel()  # a probe that is cancelled takes nothing along
        self._loop = loop
        self._task: Task[Verdict] | None = None
        if loop is not None and inspect.iscoroutinefunction(check.function):
            self._go_on(loop, check.function)
        else:
            threading.Thread(target=self._run, name=f"mcp-opentelemetry-check-{check.name}", daemon=True).start()

    def seconds(self) -> float:
        """Return for how long it has been running, in seconds."""
        return monotonic() - self.started

    def has_timed_out(self) -> bool:
        """Return whether it has had its time without coming to an end."""
        return not self.ended.done() and self.seconds() > self.check.timeout

    def give_up(self) -> None:
        """Cancel it, as far as it can be: a thread cannot, and a task may refuse."""
        if (task := self._task) is not None:
            self._tell(task.get_loop(), task.cancel)

    def _run(self) -> None:
        try:
            with suppress_instrumentation():  # a probe is no traffic
                value = self.check.function()
            if inspect.isawaitable(value):
                self._wait_for(value)
                return
            self._end(of_returned(value, self.check.failed))
        except BaseException as error:  # noqa: BLE001 (SystemExit in a thread of ours stops nothing, and is a failure)
            self._end(of_raised(error, self.check.failed))

    def _wait_for(self, value: Awaitable[Any]) -> None:
        async def wait() -> Any:
            return await value

        if self._loop is not None and self._loop.is_running():
            self._go_on(self._loop, wait)
        else:
            self._end(asyncio.run(self._judge(wait)))

    def _go_on(self, loop: AbstractEventLoop, function: Any) -> None:
        # Not run_coroutine_threadsafe: its future is done when it is cancelled, whatever the task does.
        def start() -> None:
            self._task = loop.create_task(self._judge(function))
            self._task.add_done_callback(self._finish)

        self._tell(loop, start)

    def _tell(self, loop: AbstractEventLoop, do: Callable[[], object]) -> None:
        try:
            loop.call_soon_threadsafe(do)
        except RuntimeError:  # it is closed, and nothing runs on it any more
            self._end(Verdict(self.check.failed, "cancelled"))

    async def _judge(self, function: Any) -> Verdict:
        # SystemExit of a task would stop the loop.
        try:
            with suppress_instrumentation():
                return of_returned(await function(), self.check.failed)
        except BaseException as error:  # noqa: BLE001
            return of_raised(error, self.check.failed)

    def _finish(self, task: Task[Verdict]) -> None:
        if task.cancelled():
            self._end(Verdict(self.check.failed, "cancelled"))
        else:
            self._end(task.result())

    def _end(self, verdict: Verdict) -> None:
        if not self.ended.done():
            self.ended.set_result((verdict, self.seconds()))
