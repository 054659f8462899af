"""What our distribution adds to the start of a process that serves no MCP.

`opentelemetry-instrument` alone sets no SDK up, so the import of the SDK counts as ours here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from shutil import which
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

_PYTHON = [sys.executable, "-c", "pass"]
_INSTRUMENTED = ["opentelemetry-instrument", *_PYTHON]
_WITHOUT_OURS = {
    "OTEL_PYTHON_DISTRO": "none",
    "OTEL_PYTHON_CONFIGURATOR": "none",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "mcp_opentelemetry",
}


def cpu_of_children() -> float:
    """Return the CPU seconds of all child processes that have ended."""
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.benchmark(group="start of a process, CPU", timer=cpu_of_children)
@pytest.mark.parametrize(
    ("command", "settings"),
    [(_PYTHON, {}), (_INSTRUMENTED, _WITHOUT_OURS), (_INSTRUMENTED, {})],
    ids=["python", "opentelemetry-instrument without ours", "ours"],
)
def test_cpu_of_a_start(benchmark: BenchmarkFixture, command: list[str], settings: dict[str, str]) -> None:
    # Compiled once, as an installed package is, whatever the test run has been told.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "COV_CORE", "COVERAGE")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    executable = which(command[0], path=str(Path(sys.executable).parent)) or command[0]

    def start() -> None:
        subprocess.run([executable, *command[1:]], env={**inherited, **settings}, check=True, stderr=subprocess.DEVNULL)

    benchmark.pedantic(start, rounds=20, warmup_rounds=1)
