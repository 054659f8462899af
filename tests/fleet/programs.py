"""The real programs that read `collector-config`: which there are, and how they are asked."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.alerts.promtool import PROMTOOL
from tests.integration.alertmanager import BINARY
from tests.integration.prometheus_server import PROMETHEUS

ROOT: Final = Path(__file__).parents[2]
FLEET: Final = ROOT / "collector-config"
BUILT: Final = Path.home() / ".cache/mcp-opentelemetry"


def _of_debian(name: str) -> Path:
    return Path(shutil.which(name) or f"/usr/bin/{name}")


# The newest, and the oldest that people still have from their distribution.
PROMTOOLS: Final = {"3.14": PROMTOOL, "2.42": _of_debian("promtool")}
PROMETHEUSES: Final = {"3.14": PROMETHEUS, "2.42": _of_debian("prometheus")}
AMTOOLS: Final = {"0.34": BUILT / "amtool", "0.25": _of_debian("amtool")}
ALERTMANAGERS: Final = {"0.34": BUILT / "alertmanager", "0.25": Path(BINARY or "/usr/bin/prometheus-alertmanager")}
COMPOSE: Final = BUILT / "compose-go"
OTELCOL: Final = BUILT / "otelcol"
CUSTOM_RESOURCES: Final = BUILT / "prometheus-operator"


def need(path: Path) -> Path:
    """Return a program or folder, or skip the test; fail it where everything has to be there."""
    if not path.exists():
        reason = f"{path} is missing: tests/fleet/build_tools.sh, tests/integration/build_*.sh, Debian's prometheus"
        if os.environ.get("MCP_FLEET_REQUIRED"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def need_module(name: str) -> Any:
    """Return a module of the extra `fleet`, or skip the test; likewise."""
    return importlib.import_module(name) if os.environ.get("MCP_FLEET_REQUIRED") else pytest.importorskip(name)


def run(program: Path, *arguments: str | Path, cwd: Path = FLEET) -> str:
    """Run a program that must succeed; returns what it says."""
    done = subprocess.run([need(program), *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
