"""Make each function of ours raise in turn while the installed SDK is used; print which changed what the host sees."""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import Iterator
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import anyio

from mcp_opentelemetry import guard
from tests.matrix import sdk
from tests.telemetry import Telemetry

PACKAGE = "mcp_opentelemetry."
MODULES = [
    f"{PACKAGE}{name}"
    for name in (
        *(
            f"instrumentation.{name}"
            for name in ("catalog", "client_logs", "outcomes", "peers", "protocol", "sent", "transports")
        ),
        *(
            f"instrumentation.{name}"
            for name in ("fastmcp", "mcp1", "mcp1_client", "mcp1_notes", "mcp2", "mcp2_client")
        ),
        *(f"operations.{name}" for name in ("failure", "kind", "measurements", "notable", "operation", "outcome")),
        *(f"operations.{name}" for name in ("call_log", "client_log", "propagation", "size", "tallies")),
    )
]
# These stand around the host's own call, or run at installation.
HOSTS = {
    *("__init__", "install", "watch", "silence", "note_tools", "take_notes", "get_operations", "marking_stdio"),
    *(
        "_compose",
        "_handle",
        "_replace_native",
        "_connect",
        "_send",
        "_close",
        "closing",
        "_notify",
        "_receive",
        "_after",
    ),
    "settled",
    *(
        "_keep_exception",
        "_keep_response",
        "_keep_context",
        "_after",
        "_note_tool",
        "_noting",
        "_silent_tracer",
        "_open",
    ),
    *("start_span", "start_as_current_span", "model_dump", "_nothing_to_silence", "_lose_runner"),
}


class Sabotage(Exception):  # noqa: N818
    """What a function of ours raises here."""


def _functions() -> Iterator[tuple[str, Any, str]]:
    for name in MODULES:
        module = import_module(name)
        for owner in [module, *(owner for _, owner in inspect.getmembers(module, inspect.isclass))]:
            if owner is not module and owner.__module__ != name:
                continue
            for attribute, value in list(vars(owner).items()):
                function = value.__func__ if isinstance(value, staticmethod) else value
                is_ours = isinstance(function, FunctionType) and function.__module__ == name
                if is_ours and attribute not in HOSTS and not attribute.startswith(("__", "_observe")):
                    yield f"{name.removeprefix(PACKAGE)}.{attribute}", owner, attribute


async def _seen() -> list[str]:
    """Use a server in every way; returns what its client sees."""
    seen: list[str] = []
    async with sdk.connect(sdk.make_server(), None) as client:
        for call, *arguments in (
            (client.list_tools,),
            (client.call_tool, "add", {"a": 1, "b": 2}),
            (client.call_tool, "boom", {}),
            (client.call_tool, "add", {"a": "x", "b": 2}),
            (client.call_tool, "no_such_tool", {}),
            (client.read_resource, "test://bad"),
            (client.get_prompt, "greet", {"name": "Ada"}),
            (client.get_prompt, "no_such_prompt", {}),
        ):
            try:
                result = await call(*arguments)
            except Exception as error:  # noqa: BLE001
                seen.append(f"{type(error).__name__}: {error}")
            else:
                seen.append(str(result))
        with anyio.move_on_after(0.05) as scope:
            await client.call_tool("wait", {})
        seen.append(str(scope.cancelled_caught))
    return seen


async def _main() -> None:
    untouched = await _seen()
    reached, changed = [], []
    for label, owner, attribute in _functions():
        calls: list[str] = []
        original = vars(owner)[attribute]
        function = original.__func__ if isinstance(original, staticmethod) else original

        def fail(*_: Any, calls: list[str] = calls, **__: Any) -> None:
            calls.append("")
            raise Sabotage

        failing: Any = guard.guarded(fail) if hasattr(function, "__wrapped__") else fail
        places = [(owner, original)]
        if isinstance(owner, ModuleType):
            modules = [module for name, module in list(sys.modules.items()) if name.startswith(PACKAGE)]
            places = [(module, original) for module in modules if vars(module).get(attribute) is original]
        telemetry = Telemetry()
        telemetry.operations.tells_clients = True
        with telemetry.instrumented(client=True):
            for place, _ in places:
                setattr(place, attribute, staticmethod(failing) if isinstance(original, staticmethod) else failing)
            try:
                seen = await _seen()
            except BaseException as error:  # noqa: BLE001
                seen = [str(error)]
            finally:
                for place, value in places:
                    setattr(place, attribute, value)
        if seen != untouched:
            changed.append(label)
        if calls:
            reached.append(label)
    print(json.dumps({"reached": reached, "changed": changed}))


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("mcp_opentelemetry").setLevel(logging.DEBUG)
    anyio.run(_main)
