"""What a process calls itself when nobody has told it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.identity import script_name, service_name, service_version


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
