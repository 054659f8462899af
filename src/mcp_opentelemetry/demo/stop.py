"""The end of the demo, whoever asks for it: Ctrl-C, a signal, the time, or a failure."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from types import FrameType


class Stop:
    """Set once; everything that runs looks at it between two steps."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self._event = asyncio.Event()

    @property
    def is_requested(self) -> bool:
        """Whether the demo is to end."""
        return self._event.is_set()

    def request(self) -> None:
        """End the demo."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait that long, or until the demo is to end."""
        with anyio.move_on_after(seconds):
            await self._event.wait()

    async def watch(self, function: Callable[[], Awaitable[None]]) -> None:
        """Run a function; its first exception ends the demo and is kept in `failure`."""
        try:
            await function()
        except Exception as error:  # noqa: BLE001 (raised again when all tasks have ended)
            self.failure = self.failure or error
            self.request()

    @contextmanager
    def on_signals(self) -> Generator[None]:
        """End the demo on Ctrl-C, SIGTERM and a closed terminal, for as long as this is entered."""
        loop = asyncio.get_running_loop()

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.request)

        numbers = [signal.SIGINT, signal.SIGTERM]
        # Under nohup it is ignored, and has to stay so.
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
