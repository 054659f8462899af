"""One call of a function of the user's, async or not, raced against its time: it may hang and nobody waits for it."""

from __future__ import annotations

import asyncio
import inspect
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.utils import suppress_instrumentation

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended.

    Args:
        seconds: that it took.
        value: what was returned.
        error: what was raised; `None` if nothing was.
    """

    seconds: float
    value: Any = None
    error: BaseException | None = None


class UserCall:
    """A call in progress, or one that has ended.

    An async function runs on the loop that serves, because what it asks (a pool, a client) belongs to that loop; any
    other one in a thread of its own, which a hanging driver keeps for as long as it hangs.

    Args:
        name: of its thread.
        function: what is called, without arguments.
        timeout: seconds that it may take.
        loop: the loop that serves; without one, an async function gets a loop of its own in a thread.
    """

    def __init__(self, name: str, function: Callable[[], Any], timeout: float, loop: AbstractEventLoop | None) -> None:
        self.timeout = timeout
        self.ended: Future[Result] = Future()
        self.ended.set_running_or_notify_cancel()  # whoever waits and is cancelled takes nothing along
        self._function = function
        self._started = monotonic()
        self._loop = loop
        self._task: Task[None] | None = None
        if loop is not None and inspect.iscoroutinefunction(function):
            self._go_on(loop, function)
        else:
            threading.Thread(target=self._run, name=f"mcp-opentelemetry-{name}", daemon=True).start()

    def seconds(self) -> float:
        """Return for how long it has been running, in seconds."""
        return monotonic() - self._started

    def has_timed_out(self) -> bool:
        """Return whether it has had its time without coming to an end."""
        return not self.ended.done() and self.seconds() > self.timeout

    def give_up(self) -> None:
        """Cancel it, as far as it can be: a thread cannot, and a task may refuse."""
        if (task := self._task) is not None:
            self._tell(task.get_loop(), task.cancel)

    def _run(self) -> None:
        try:
            with suppress_instrumentation():  # a probe is no traffic
                value = self._function()
            if inspect.isawaitable(value):
                self._wait_for(value)
            else:
                self._end(value)
        except BaseException as error:  # noqa: BLE001 (SystemExit in a thread of ours stops nothing)
            self._end(error=error)

    def _wait_for(self, value: Awaitable[Any]) -> None:
        async def wait() -> Any:
            return await value

        if self._loop is not None and self._loop.is_running():
            self._go_on(self._loop, wait)
        else:
            asyncio.run(self._call(wait))

    def _go_on(self, loop: AbstractEventLoop, function: Any) -> None:
        # Not run_coroutine_threadsafe: its future is done when it is cancelled, whatever the task does.
        def start() -> None:
            self._task = loop.create_task(self._call(function))
            self._task.add_done_callback(self._finish)

        self._tell(loop, start)

    def _tell(self, loop: AbstractEventLoop, do: Callable[[], object]) -> None:
        try:
            loop.call_soon_threadsafe(do)
        except RuntimeError:  # it is closed, and nothing runs on it any more
            self._end(error=asyncio.CancelledError())

    async def _call(self, function: Any) -> None:
        try:
            with suppress_instrumentation():
                self._end(await function())
        except BaseException as error:  # noqa: BLE001 (SystemExit of a task would stop the loop)
            self._end(error=error)

    def _finish(self, task: Task[None]) -> None:
        if task.cancelled():  # before it began
            self._end(error=asyncio.CancelledError())

    def _end(self, value: Any = None, error: BaseException | None = None) -> None:
        if not self.ended.done():
            self.ended.set_result(Result(self.seconds(), value, error))
