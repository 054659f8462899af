"""What a process calls itself when nobody has told it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.identity import childs_instance_id, script_name, service_name, service_version


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["python", "server.py"], "server"),
        (["python", "/srv/app/weather.py", "--http"], "weather"),
        (["python", "-u", "-X", "dev", "-W", "error", "server.py"], "server"),
        (["python", "-m", "weather.server", "--http"], "weather.server"),
        (["python", "-Im", "weather.server"], "weather.server"),
        (["python", "/usr/bin/uvicorn", "app:app"], "uvicorn"),
        (["python", "-c", "import server"], "python"),
        (["python", "-"], "python"),
        (["python", "-m"], "python"),
        (["python"], "python"),
        ([], "python"),
    ],
)
def test_script_or_module_names_the_process(command: list[str], name: str) -> None:
    assert script_name(command) == name


@given(st.lists(st.text()))
def test_any_command_line_gives_a_name(command: list[str]) -> None:
    assert isinstance(script_name(command), str)


@pytest.mark.parametrize(
    ("environ", "name", "version"),
    [
        ({}, None, None),
        ({"OTEL_SERVICE_NAME": "a"}, "a", None),
        ({"OTEL_SERVICE_NAME": " ", "OTEL_RESOURCE_ATTRIBUTES": "service.name=b, service.version=1"}, "b", "1"),
        ({"OTEL_SERVICE_NAME": "a", "OTEL_RESOURCE_ATTRIBUTES": "service.name=b"}, "a", None),
        ({"OTEL_RESOURCE_ATTRIBUTES": "nonsense,=,service.name="}, None, None),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=caf%C3%A9"}, "café", None),
    ],
)
def test_users_own_name_and_version(environ: dict[str, str], name: str | None, version: str | None) -> None:
    assert service_name(environ) == name
    assert service_version(environ) == version


def test_child_adds_its_process_to_the_name_that_the_user_gave() -> None:
    assert childs_instance_id({"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=pod-1"}) == f"pod-1-{os.getpid()}"
    assert childs_instance_id({}) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows its command line")
def test_worker_is_called_as_the_process_that_has_started_it(tmp_path: Path) -> None:
    code = "import sys; from mcp_opentelemetry.identity import script_name; print(script_name(sys.argv))"
    worker = [sys.executable, "-c", code, "--multiprocessing-fork"]
    (tmp_path / "weather.py").write_text(f"import subprocess; subprocess.run({worker!r}, check=True)")
    ran = subprocess.run([sys.executable, tmp_path / "weather.py"], capture_output=True, text=True, check=True)
    assert ran.stdout == "weather\n"
