"""A process in small: a runtime of its own, and the seam in the makers of apps."""

from __future__ import annotations

import httpx2
import pytest
from opentelemetry import metrics

from mcp_opentelemetry import runtime
from mcp_opentelemetry.build_info import observe_build_info
from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.instrumentation.http_app import HttpApps
from mcp_opentelemetry.instrumentation.patches import Patches
from mcp_opentelemetry.instrumentation.seams import mcp_major
from mcp_opentelemetry.operations import operation
from mcp_opentelemetry.runtime import Runtime
from tests.integration.processes import ON_ANY_MACHINE
from tests.telemetry import Telemetry
from tests.waiting import DEADLINE

PROXIED = {"x-forwarded-for": "203.0.113.7"}


def asking(url: str) -> httpx2.AsyncClient:
    """Return a client that has all the patience that a busy machine needs."""
    return httpx2.AsyncClient(base_url=url, timeout=DEADLINE)


class Host:
    """What one process has once, made anew for a test.

    Args:
        telemetry: what it measures with.
        monkeypatch: puts it in the place of this process's own.
        environ: its settings.
    """

    def __init__(self, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
        self.runtime = Runtime(Settings.from_mapping(ON_ANY_MACHINE | environ))
        monkeypatch.setattr(metrics, "get_meter_provider", lambda: telemetry.meter_provider)
        monkeypatch.setattr(operation, "_operations", telemetry.operations)
        monkeypatch.setattr(runtime, "_runtime", self.runtime)
        observe_build_info(self.runtime.server, telemetry.meter_provider)
        self.apps = HttpApps(self.runtime.routes)
        self.patches = Patches()
        self.apps.install(self.patches, mcp_major())

    def close(self) -> None:
        self.patches.remove()
        self.apps.remove()
        self.runtime.close()
