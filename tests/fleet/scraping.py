"""`collector-config/prometheus`, copied to a folder as to a server, with the ports of a test."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.fleet.programs import FLEET
from tests.integration.processes import free_port

TOKEN: Final = "only-for-prometheus"
NOBODY: Final = "127.0.0.1:1"
"""An address that nobody answers at."""


def prometheus_folder(folder: Path, target: str, ports: Mapping[int, int] | None = None) -> Path:
    """Return the path of a configuration that is the shipped one but for intervals, ports and the token.

    Args:
        folder: where the copy is made.
        target: `host:port` of the server that is scraped.
        ports: what is listened on here, by the port that the shipped files name.
    """
    copy = Path(shutil.copytree(FLEET / "prometheus", folder / "prometheus"))
    (copy / "secrets").mkdir(exist_ok=True)
    (copy / "secrets" / "mcp_token").write_text(f"{TOKEN}\n")
    targets = copy / "targets" / "mcp.yml"
    targets.write_text(targets.read_text().replace("127.0.0.1:8000", target))
    config = copy / "prometheus.yml"
    text = config.read_text().replace("15s", "1s")
    for shipped in (9464, 8888, 9090, 9093):
        text = text.replace(f"127.0.0.1:{shipped}", f"127.0.0.1:{(ports or {}).get(shipped) or free_port()}")
    config.write_text(text)
    return config
