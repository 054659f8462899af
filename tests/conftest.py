"""What every test shares: telemetry in memory, and bugs of ours that surface instead of being swallowed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from mcp_opentelemetry import guard
from tests.effort import part_of
from tests.telemetry import Telemetry

# How long an example takes is the machine's, and so is how long it takes to make one.
settings.register_profile(
    "steady", max_examples=part_of(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


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
