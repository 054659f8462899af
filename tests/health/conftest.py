"""Checks are registered once per process: tests of them start with none, and leave none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from mcp_opentelemetry.health.checks import registered, remove_health_check


def _remove_all() -> None:
    for check in registered():
        with suppress(KeyError):
            remove_health_check(check.name)


@pytest.fixture
def no_checks() -> Iterator[None]:
    _remove_all()
    yield
    _remove_all()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What hanging checks wait for: set when the test is over, so that no thread of one stays behind."""
    event = threading.Event()
    yield event
    event.set()
