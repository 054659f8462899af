"""The thread that does small things."""

from __future__ import annotations

import threading

import pytest

from mcp_opentelemetry import guard
from mcp_opentelemetry.system.ticker import Chore, Ticker
from tests.waiting import DEADLINE


def test_each_chore_is_done_at_the_start_and_again_and_again() -> None:
    often, once = threading.Semaphore(0), threading.Semaphore(0)
    ticker = Ticker("test-ticker", [Chore(0.01, often.release), Chore(3600, once.release)])
    try:
        assert all(often.acquire(timeout=DEADLINE) for _ in range(5))
        assert once.acquire(timeout=DEADLINE)
    finally:
        ticker.close()
    assert not once.acquire(blocking=False)


def test_close_ends_the_thread_at_once() -> None:
    is_done = threading.Event()
    ticker = Ticker("test-ticker", [Chore(3600, is_done.set)])
    assert is_done.wait(DEADLINE)
    ticker.close()
    assert not ticker._thread.is_alive()
    ticker.close()


def test_chore_may_close_its_ticker() -> None:
    tickers: list[Ticker] = []
    is_made, is_closed = threading.Event(), threading.Event()

    def close() -> None:
        assert is_made.wait(DEADLINE)
        tickers[0].close()
        is_closed.set()

    tickers.append(Ticker("test-ticker", [Chore(3600, close)]))
    is_made.set()
    assert is_closed.wait(DEADLINE)
    tickers[0]._thread.join(DEADLINE)
    assert not tickers[0]._thread.is_alive()


def test_chore_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "reraise", False)
    is_done = threading.Semaphore(0)

    def fail() -> None:
        raise OSError

    ticker = Ticker("test-ticker", [Chore(0.01, fail), Chore(0.01, is_done.release)])
    try:
        assert all(is_done.acquire(timeout=DEADLINE) for _ in range(3))
    finally:
        ticker.close()
