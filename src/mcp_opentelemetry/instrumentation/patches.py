"""Patches on classes and functions of the SDKs, put in when their module is imported, and taken out again."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import wraps
from inspect import isfunction
from types import MethodType
from typing import TYPE_CHECKING, Any, cast

from wrapt import FunctionWrapper, resolve_path, when_imported

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from types import ModuleType

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
"""What wrapt calls instead of the original: with the original, its instance and its arguments."""

_logger = logging.getLogger("mcp_opentelemetry")


class Patches:
    """A set of patches that come and go together.

    Methods are patched on their classes: the SDKs look them up for each message, so servers and connections
    that exist already are covered, and `remove` acts at once.
    """

    def __init__(self) -> None:
        self._active = True
        self._undo: list[Callable[[], None]] = []

    def wrap(self, module: str, path: str, wrapper: Wrapper, otherwise: Callable[[], None] | None = None) -> None:
        """Wrap `path` (such as `Class.method`) of a module as soon as that module has been imported.

        Args:
            module: the full name of the module; it is never imported on our account.
            path: what to wrap in it.
            wrapper: what is called instead.
            otherwise: called when the SDK no longer has `path`; by default that is logged.
        """

        @guarded
        def apply(imported: ModuleType) -> None:
            if not self._active:
                return
            try:
                owner, name, original = resolve_path(imported, path)
            except AttributeError:
                (otherwise or _report_missing)()
                return
            make = self._wrapped_method if isinstance(owner, type) and isfunction(original) else self._wrapped
            patched = make(original, wrapper)
            setattr(owner, name, patched)
            self._undo.append(lambda: _restore(owner, name, patched, original))

        def _report_missing() -> None:
            _logger.warning("%s has no %s any more: mcp-opentelemetry works without that seam", module, path)

        when_imported(module)(apply)

    def replace_everywhere(self, module: str, name: str, make: Callable[[Any], Any]) -> None:
        """Replace a function in its module and wherever it has been imported by name already.

        Args:
            module: the module that defines it.
            name: its name.
            make: takes the original, returns what to use instead.
        """

        @guarded
        def apply(imported: ModuleType) -> None:
            original = getattr(imported, name, None)
            if not self._active or original is None:
                return
            replacement = make(original)
            _swap(name, original, replacement)
            self._undo.append(lambda: _swap(name, replacement, original))

        when_imported(module)(apply)

    def remove(self) -> None:
        """Put every original back; a patch that somebody has wrapped since stays, and does nothing."""
        self._active = False
        while self._undo:
            self._undo.pop()()

    def _wrapped_method(self, original: Callable[..., Any], wrapper: Wrapper) -> Callable[..., Any]:
        # A plain function: on each call wrapt's costs as much as another attribute on the span, three times.
        @wraps(original)
        def patched(instance: Any, *args: Any, **kwargs: Any) -> Any:
            bound = MethodType(original, instance)
            return wrapper(bound, instance, args, kwargs) if self._active else bound(*args, **kwargs)

        return patched

    def _wrapped(self, original: Callable[..., Any], wrapper: Wrapper) -> Callable[..., Any]:
        def call(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return wrapper(wrapped, instance, args, kwargs) if self._active else wrapped(*args, **kwargs)

        return FunctionWrapper(original, call)


def _restore(owner: Any, name: str, patched: object, original: object) -> None:
    if cast("dict[str, object]", vars(owner)).get(name) is patched:
        setattr(owner, name, original)


def _swap(name: str, current: object, replacement: object) -> None:
    for module in list(sys.modules.values()):
        # Not getattr of the name: a module may load things to answer that.
        names = cast("dict[str, object]", getattr(module, "__dict__", {}))
        if names.get(name) is current:
            setattr(module, name, replacement)
