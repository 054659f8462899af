"""What the tests of the endpoints share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.host import Host
from tests.telemetry import Telemetry


@pytest.fixture
def environ() -> dict[str, str]:
    return {}


@pytest.fixture
def host(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> Iterator[Host]:
    host = Host(telemetry, monkeypatch, environ)
    yield host
    host.close()
