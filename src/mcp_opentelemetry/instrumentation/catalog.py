"""Which tools and prompts a server has: a client may ask for any name, and only these become labels."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from mcp_opentelemetry.operations.semconv import OTHER, PROMPTS_GET, TOOLS_CALL

LISTS: Final = {"tools/list": ("tools", TOOLS_CALL), "prompts/list": ("prompts", PROMPTS_GET)}
# Lists may be made per caller; a server that invents names must not fill the memory.
_MOST_NAMES: Final = 10_000


class Catalog:
    """The tools and prompts of one server: those it has registered, or those it has listed."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {TOOLS_CALL: set(), PROMPTS_GET: set()}

    def target(self, server: Any, method: str, params: Mapping[str, Any] | None) -> str | None:
        """Return the tool or prompt that a request is for, `_OTHER` if the server does not know it.

        Args:
            server: the low-level server; `None` where the seam has none.
            method: the JSON-RPC method.
            params: its parameters, as sent.
        """
        names = self._names.get(method)
        if names is None:
            return None
        name = params.get("name") if params else None
        if not isinstance(name, str):
            return OTHER
        registered = _registry(server, method)
        if registered is not None:
            return name if _has(registered, name) and self._admit(names, name) else OTHER
        return name if name in names else OTHER

    def target_of_cache(self, server: Any, method: str, name: object) -> str | None:
        """Return the target of a request to a server of mcp 1.x, which fills its own cache of tools at each call."""
        names = self._names.get(method)
        if names is None:
            return None
        cache = getattr(server, "_tool_cache", ()) if method == TOOLS_CALL else names
        return name if isinstance(name, str) and name in cache and self._admit(names, name) else OTHER

    def confirm(self, method: str, name: object) -> bool:
        """Take in a name that the framework above the server has found; returns whether it can be used."""
        return isinstance(name, str) and self._admit(self._names[method], name)

    def knows_nothing(self, server: Any, method: str) -> bool:
        """Return whether nothing can be said yet about which names of a method exist."""
        return not self._names[method] and _registry(server, method) is None

    def learn(self, method: str, result: Any) -> None:
        """Take in the names of a list that the server has sent: a low-level server has no other registry."""
        if method not in LISTS:
            return
        key, target_method = LISTS[method]
        is_wire = isinstance(result, Mapping)
        items: Any = cast("Mapping[str, Any]", result).get(key) if is_wire else getattr(result, key, None)
        for item in items or ():
            self._admit(self._names[target_method], item["name"] if is_wire else item.name)

    @staticmethod
    def _admit(names: set[str], name: str) -> bool:
        if name not in names and len(names) < _MOST_NAMES:
            names.add(name)
        return name in names


def _has(registry: Callable[[str], Any], name: str) -> bool:
    try:
        return registry(name) is not None
    except Exception:  # noqa: BLE001 (a low-level server's is the user's own function)
        return False


def _registry(server: Any, method: str) -> Callable[[str], Any] | None:
    """Return the function that finds a tool or prompt by name; `None` for a plain low-level server."""
    if server is None:
        return None
    if method == TOOLS_CALL and (lookup := getattr(server, "get_tool_input_schema", None)) is not None:
        return lookup  # mcp >= 2.3
    handler = getattr(server.get_request_handler(method), "handler", None)
    owner = getattr(handler, "__self__", None)
    if method == TOOLS_CALL:
        return getattr(getattr(owner, "_tool_manager", None), "get_tool", None)
    return getattr(getattr(owner, "_prompt_manager", None), "get_prompt", None)


def is_framework(server: Any, method: str) -> bool:
    """Return whether a request for a name that does not exist cannot succeed: a framework looks the name up.

    Args:
        server: a low-level server; a plain one hands whatever it is asked to the user's function.
        method: the JSON-RPC method, `prompts/get`.
    """
    if type(server).__module__.partition(".")[0] == "fastmcp":
        return True
    # mcp 1.x keeps the framework's method in a closure.
    types: Any = sys.modules.get("mcp.types")
    handler = getattr(server, "request_handlers", {}).get(getattr(types, "GetPromptRequest", None))
    cells = getattr(inspect.unwrap(handler), "__closure__", None) if method == PROMPTS_GET and handler else None
    return any(type(getattr(cell.cell_contents, "__self__", None)).__name__ == "FastMCP" for cell in cells or ())
