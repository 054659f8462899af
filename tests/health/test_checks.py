"""Checks are registered, refused, and removed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mcp_opentelemetry.health.checks import BUILT_IN, health_check, registered, remove_health_check
from mcp_opentelemetry.health.verdict import Status

pytestmark = pytest.mark.usefixtures("no_checks")


def well() -> None:
    """Find nothing wrong."""


def also_well() -> None:
    """Find nothing wrong either."""


def test_decorator_returns_the_function_and_registers_it_with_defaults() -> None:
    assert health_check("database")(well) is well
    (check,) = registered()
    assert (check.name, check.function, check.critical, check.timeout, check.ttl) == ("database", well, False, 1.0, 5.0)
    assert (check.failure_threshold, check.success_threshold) == (1, 1)
    assert check.failed is Status.DEGRADED


def test_failure_of_a_critical_check_is_unhealthy() -> None:
    health_check("database", critical=True)(well)
    assert registered()[0].failed is Status.UNHEALTHY


def test_removed_check_is_gone_and_its_name_is_free() -> None:
    health_check("database")(well)
    remove_health_check("database")
    assert registered() == []
    health_check("database")(also_well)
    with pytest.raises(KeyError):
        remove_health_check("cache")


def test_duplicate_name_is_refused_and_the_first_one_stays() -> None:
    health_check("database")(well)
    with pytest.raises(ValueError, match="'database': another check has that name"):
        health_check("database")(also_well)
    with pytest.raises(ValueError, match="another check has that name"):
        health_check("database")(well)
    with pytest.raises(ValueError, match="another check has that name"):
        health_check("database")(_Callable())
    assert [check.function for check in registered()] == [well]


class _Callable:
    def __call__(self) -> None:
        """Find nothing wrong."""


@pytest.mark.parametrize("name", BUILT_IN)
def test_names_of_built_in_checks_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="built-in"):
        health_check(name)(well)


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": "a\0"},
        {"name": "x" * 101},
        {"timeout": 0},
        {"timeout": -1.0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"ttl": -0.1},
        {"ttl": float("nan")},
        {"failure_threshold": 0},
        {"success_threshold": 0},
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="health check"):
        health_check(**{"name": "database", **arguments})(well)
    assert registered() == []


SOURCE = """
from mcp_opentelemetry.health.checks import health_check

@health_check("database")
async def database():
    return {version}
"""


def _load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _no_byte_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def test_module_that_is_run_and_imported_registers_its_check_once(tmp_path: Path) -> None:
    path = tmp_path / "server.py"
    path.write_text(SOURCE.format(version=True))
    _load(path, "__main__.twin")
    module = _load(path, "server")
    assert [check.function for check in registered()] == [module.database]


def test_same_line_of_another_file_is_another_check(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(SOURCE.format(version=True))
    _load(tmp_path / "one.py", "one")
    with pytest.raises(ValueError, match="another check has that name"):
        _load(tmp_path / "two.py", "two")
