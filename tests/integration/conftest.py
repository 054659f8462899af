"""What the tests of whole processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.collector import Collector
from tests.integration.collector_files import AGENT
from tests.integration.holds import Holds
from tests.integration.otlp_receiver import RECEIVERS, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=sorted(RECEIVERS))
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    """Run a stub that receives OTLP, once for each protocol."""
    with RECEIVERS[request.param]() as receiver:
        yield receiver


@pytest.fixture(params=sorted(RECEIVERS))
def hanging_receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    """Run a stub that accepts OTLP and never answers, once for each protocol."""
    with RECEIVERS[request.param](hangs=True) as receiver:
        yield receiver


@pytest.fixture
def holds(tmp_path: Path) -> Holds:
    """Return what holds up a server of `held.py`: nothing yet."""
    return Holds(tmp_path)


@pytest.fixture
def agent(tmp_path: Path, gateway: Collector) -> Iterator[Collector]:
    """Run a collector beside the servers, before the `gateway` of the test's module."""
    settings = {"OTELCOL_GATEWAY_ENDPOINT": gateway.endpoint}
    with Collector(tmp_path / "agent", AGENT, settings=settings) as agent:
        yield agent
