"""An idle event loop hears of a signal that another thread has received."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from mcp_opentelemetry.wakeup import wake_on_signals
from tests.waiting import DEADLINE


@pytest.fixture(autouse=True)
def _handlers_are_put_back() -> Iterator[None]:
    before = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, before)


def _signal_from_a_thread() -> None:
    thread = threading.Thread(target=lambda: signal.pthread_kill(threading.get_ident(), signal.SIGUSR1))
    thread.start()


def test_handler_runs_while_the_loop_is_idle() -> None:
    async def main() -> float:
        undo = wake_on_signals()
        assert undo is not None
        loop = asyncio.get_running_loop()
        ran = loop.create_future()
        signal.signal(signal.SIGUSR1, lambda *_: ran.done() or ran.set_result(loop.time()))
        _signal_from_a_thread()
        try:
            return await asyncio.wait_for(ran, DEADLINE)
        finally:
            undo()

    assert asyncio.run(main()) > 0
    assert signal.set_wakeup_fd(-1) == -1


def test_wake_ups_that_the_application_has_asked_for_are_left_alone() -> None:
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    async def main() -> bool:
        return wake_on_signals() is None

    with reader, writer:
        signal.set_wakeup_fd(writer.fileno())
        try:
            assert asyncio.run(main())
        finally:
            assert signal.set_wakeup_fd(-1) == writer.fileno()


def test_wake_ups_that_the_application_asks_for_later_stay() -> None:
    async def main() -> None:
        undo = wake_on_signals()
        assert undo is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, lambda: None)
        undo()
        theirs = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(theirs)
        assert theirs != -1
        asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR2)

    asyncio.run(main())


def test_nothing_is_done_without_a_loop_or_in_another_thread() -> None:
    results: list[object] = [wake_on_signals()]
    thread = threading.Thread(target=lambda: results.append(wake_on_signals()))
    thread.start()
    thread.join()
    assert results == [None, None]
