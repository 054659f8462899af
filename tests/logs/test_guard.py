"""No function of ours that takes part in logging can reach whoever logs."""

from __future__ import annotations

import inspect
import logging
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from mcp_opentelemetry import guard, logs
from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.instrumentation.patches import Patches
from mcp_opentelemetry.logs.logs import Logs

MODULES = [f"{logs.__name__}.{module.name}" for module in pkgutil.iter_modules(logs.__path__)]


# Called by users and by `logging` themselves, or standing around the host's own call.
AROUND_THE_HOST = {"get_logger", "handle", "shutdown", "_configure", "_unseen"}


class Sabotage(Exception):  # noqa: N818
    """What a function of ours raises here."""


def functions() -> Iterator[Any]:
    for name in MODULES:
        module = import_module(name)
        for owner in [module, *(owner for _, owner in inspect.getmembers(module, inspect.isclass))]:
            if owner is not module and owner.__module__ != name:
                continue
            for attribute, value in vars(owner).items():
                is_ours = isinstance(value, FunctionType) and value.__module__ == name
                if is_ours and attribute not in AROUND_THE_HOST and not attribute.startswith("__"):
                    yield pytest.param(owner, attribute, id=f"{name.rpartition('.')[2]}.{attribute}")


# What is made to fail cannot close what it was to close.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("owner", "attribute"), [*functions()])
def test_whoever_logs_never_meets_an_exception_of_ours(
    owner: Any, attribute: str, tmp_path: Path, root: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Sabotage

    assert root.handlers == []
    original = getattr(owner, attribute)
    monkeypatch.setattr(guard, "reraise", False)
    monkeypatch.setattr(owner, attribute, guard.guarded(fail) if hasattr(original, "__wrapped__") else fail)
    settings = Settings(log_file=str(tmp_path / "server.log"), log_rate_limit=2, log_format="text")
    patches = Patches()
    ours: Any = guard.guarded(lambda: Logs(lambda: settings, lambda: "weather", lambda _: None))()
    try:
        if ours is not None:
            guard.guarded(lambda: ours.install(patches))()
            ours.start()
            logging.basicConfig(level=logging.INFO)
        for _ in range(4):
            logging.getLogger("mcp.server").info("hello %s", "x", extra={"city": ["Oslo", 1.5]})
        try:
            raise KeyError("x")
        except KeyError:
            logging.getLogger("weather").exception("failed")
        for handler in root.handlers:
            handler.flush()
    finally:
        patches.remove()
        monkeypatch.undo()
        if ours is not None:
            ours.close()
