"""A root logger of the test's own: pytest's handlers would pass for the application's."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Run tests that ask for `root` with the root logger that a process finds at its start."""
    # Not a fixture: pytest puts its handlers there when the test itself begins.
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    if "root" in pyfuncitem.fixturenames:
        root.handlers.clear()
        root.setLevel(logging.WARNING)
    try:
        return (yield)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.fixture
def root() -> logging.Logger:
    """Return the root logger, without handlers."""
    return logging.getLogger()
