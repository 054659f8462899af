"""What a user installs: a wheel and a source distribution, complete, and named in one place."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import metadata, version
from pathlib import Path

import pytest

import mcp_opentelemetry

ROOT = Path(__file__).parents[1]
_BROUGHT_BY = {
    "opentelemetry": "opentelemetry-api",
    "promql_parser": "promql-parser",
    "yaml": "PyYAML",
    "prometheus_client": "opentelemetry-exporter-prometheus",
    **dict.fromkeys(("anyio", "httpx2", "starlette", "typing_extensions", "uvicorn"), "mcp"),
}


_OPTIONAL = ("concurrent_log_handler",)  # imported where it is installed


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # Without an environment of its own, for which it would ask the index again.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_wheel_has_everything_that_runs(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        example = archive.read("mcp_opentelemetry/demo/weather_server.py")
    sources = ROOT / "src"
    for file in sources.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            assert str(file.relative_to(sources)) in names
    assert "mcp_opentelemetry/health/health.schema.json" in names
    assert example == (ROOT / "examples" / "weather_server.py").read_bytes()
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_source_distribution_can_be_tested(distributions: Path) -> None:
    (archive,) = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "examples/weather_server.py"} <= names
    assert "tests/conftest.py" in names


def test_version_has_one_source() -> None:
    assert mcp_opentelemetry.__version__ == version("mcp-opentelemetry")
    assert f"## [{mcp_opentelemetry.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_everything_that_is_imported_is_required() -> None:
    declared = (ROOT / "pyproject.toml").read_text().partition("\ndependencies = [\n")[2].partition("\n]\n")[0]
    required = set(re.findall(r'^  "([\w-]+)', declared, re.MULTILINE))
    imported: set[str] = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    foreign = imported - sys.stdlib_module_names - {"mcp_opentelemetry", *_OPTIONAL}
    assert {_BROUGHT_BY.get(name, name) for name in foreign} <= required


def test_license_is_apache() -> None:
    assert metadata("mcp-opentelemetry")["License-Expression"] == "Apache-2.0"


def test_public_names_are_those_of_the_readme() -> None:
    public = {"__version__", "configure", "get_logger", "health_check", "instrument_tool", "remove_health_check"}
    public |= {"alerts", "snapshot", "stats"}
    assert set(mcp_opentelemetry.__all__) == public


def test_opentelemetry_instrument_lists_our_settings() -> None:
    command = Path(sys.executable).with_name("opentelemetry-instrument")
    shown = subprocess.run([str(command), "--help"], capture_output=True, text=True, check=True).stdout
    assert "--mcp_http_port" in shown
    assert "--mcp_capture" in shown
