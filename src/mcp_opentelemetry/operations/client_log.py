"""What is logged while a client's request is handled, and told to that client."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context, ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.guard import guarded, swallow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Notify = Callable[[str, object, str], Awaitable[None]]

is_told: ContextVar[bool] = ContextVar("mcp_opentelemetry_is_told", default=False)
"""Whether what is being logged is what the client has just been told."""

# The protocol's levels (RFC 5424), from the least on, as `logging` counts.
LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.INFO + 5,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "alert": logging.CRITICAL + 5,
    "emergency": logging.CRITICAL + 10,
}
_MOST: Final = 100  # messages of one request under way: a client that does not read must not fill the memory
_PATIENCE: Final = 1.0  # seconds that an answer waits for them


class ClientLog:
    """The log of one request, for its client.

    Args:
        notify: sends a level, data and a logger's name to the client.
        least: the level from which on the client wants to be told.
    """

    def __init__(self, notify: Notify, least: int) -> None:
        self._notify = notify
        self._least = least
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:  # on trio, tasks need a place that we do not have
            return

    def tell(self, level: int, data: object, logger: str) -> None:
        """Tell the client, from whichever thread."""
        if level < self._least or self._loop is None or self._waiting >= _MOST:
            return
        self._waiting += 1
        name = max((number, name) for name, number in LEVELS.items() if number <= max(level, logging.DEBUG))[1]
        # In a context of its own: what is logged while that is sent is no part of the logging call.
        if _is_running(self._loop):
            Context().run(self._send, name, data, logger)
        else:
            self._loop.call_soon_threadsafe(partial(self._send, name, data, logger), context=Context())

    async def settle(self) -> None:
        """Wait until the client has been told everything, but not for long."""
        if self._tasks:
            await asyncio.wait([*self._tasks], timeout=_PATIENCE)

    @guarded
    def _send(self, level: str, data: object, logger: str) -> None:
        task = asyncio.ensure_future(self._notify(level, data, logger))
        self._tasks.add(task)
        task.add_done_callback(self._sent)

    @guarded
    def _sent(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._waiting -= 1
        if not task.cancelled():
            task.exception()  # the client may have gone: nothing to tell, and nobody to tell it


async def settled(client_log: ClientLog) -> None:
    """Wait as `settle` does; raises nothing but a cancellation, which is the host's."""
    try:
        await client_log.settle()
    except Exception as error:  # noqa: BLE001 (the answer does not depend on it)
        swallow(error)


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
