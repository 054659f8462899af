"""The SDK versions that we promise, each in an environment of its own: `python tests/matrix/versions.py FOLDER`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = {
    "mcp-1.24": "mcp==1.24.0",
    "mcp-1": "mcp<2",
    "mcp-2.0": "mcp>=2.0,<2.1",
    "mcp-2": "mcp>=2.3,<3",
    "fastmcp-2": "fastmcp>=2.14,<3",
    "fastmcp-3": "fastmcp>=3,<4",
    "fastmcp-4": "fastmcp>=4,<5",
}


def python_of(folder: Path, name: str) -> Path:
    """Return the interpreter of one environment."""
    return folder / name / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def build(folder: Path) -> None:
    """Make the environments that are missing, with this project as it is now."""
    for name, requirement in VERSIONS.items():
        python, uv = python_of(folder, name), shutil.which("uv")
        if not python.exists():
            venv.create(folder / name, with_pip=uv is None)
        # The same, in a tenth of the time.
        pip = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
        subprocess.run([*pip, "--quiet", str(ROOT), "coverage>=7.10", requirement], check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
