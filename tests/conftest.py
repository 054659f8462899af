"""What every test shares: telemetry in memory, and bugs of ours that surface instead of being swallowed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mcp_opentelemetry import guard
from tests.telemetry import Telemetry


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _our_bugs_surface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "reraise", True)


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    telemetry = Telemetry()
    with telemetry.instrumented():
        yield telemetry


@pytest.fixture
def both_sides() -> Iterator[Telemetry]:
    telemetry = Telemetry()
    with telemetry.instrumented(client=True):
        yield telemetry
