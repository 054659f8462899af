"""A logger that runs wild is held back, told apart from the others, and says how much is missing."""

from __future__ import annotations

import logging

from mcp_opentelemetry.logs.limit import Limit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_so_many_records_pass_in_a_second_and_the_rest_is_counted() -> None:
    clock = Clock()
    limit = Limit(3, clock)
    assert [limit.passes("wild", logging.INFO) for _ in range(5)] == [True, True, True, False, False]
    clock.now += 1
    assert limit.news() == {"wild": 2}
    assert limit.news() == {}
    assert limit.passes("wild", logging.INFO)


def test_one_logger_does_not_silence_another_nor_its_own_warnings() -> None:
    limit = Limit(1, Clock())
    assert limit.passes("wild", logging.INFO)
    assert not limit.passes("wild", logging.INFO)
    assert limit.passes("wild", logging.ERROR)
    assert limit.passes("other", logging.INFO)


def test_zero_is_no_limit() -> None:
    limit = Limit(0, Clock())
    assert all(limit.passes("wild", logging.INFO) for _ in range(10_000))
    assert limit.news() == {}


def test_names_that_are_made_up_fill_no_memory() -> None:
    limit = Limit(1, Clock())
    for number in range(20_000):
        limit.passes(f"logger {number}", logging.INFO)
    assert len(limit._windows) <= 1000
