"""What holds up the server of `tests/servers/held.py`, and what its probes are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tests.integration.processes import get, wait_until

HELD: Final = "held.py"
SECRET: Final = "alice@example.com"  # in what its checks raise


class Holds:
    """The files that hold a server up.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = {"HELD_BY": str(folder), "OTEL_PYTHON_MCP_HTTP_PORT": "0"}

    def hold(self, name: str) -> None:
        """Hold something up from now on."""
        (self.folder / name).touch()

    def let_go(self, name: str) -> None:
        """Let it go on."""
        (self.folder / name).unlink(missing_ok=True)

    def runs(self) -> int:
        """Return how often the check that counts has run."""
        path = self.folder / "runs"
        return len(path.read_text().splitlines()) if path.exists() else 0


def probe(url: str, **headers: str) -> tuple[int, dict[str, Any]]:
    """Ask for a URL that answers in JSON."""
    status, body = get(url, **headers)
    return status, json.loads(body)


def status_of(url: str) -> tuple[int, str]:
    """Ask a probe; returns the HTTP status, and the one in the answer."""
    status, answer = probe(url)
    return status, answer["status"]


def comes_to(url: str, status: int, word: str) -> None:
    """Return when a probe says so: a check that takes long on a busy machine is told of by the next one only."""
    wait_until(lambda: status_of(url) == (status, word))
