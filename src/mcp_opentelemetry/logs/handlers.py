"""The handlers that a process has beside ours: which are the application's, which give way, and which stay unseen."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from mcp_opentelemetry.instrumentation.patches import Patches

_SDKS: Final = frozenset({"mcp", "fastmcp"})
# Between a caller of `basicConfig` and us.
_BETWEEN: Final = frozenset({"mcp_opentelemetry", "wrapt", "opentelemetry", "logging", "contextlib"})
# Loggers of frameworks that bring console handlers of their own and do not propagate.
_FRAMEWORKS: Final = ("fastmcp", "uvicorn", "uvicorn.access", "uvicorn.error")


class Handlers:
    """Keeps ours and the others apart.

    Args:
        ours: the handler on the root logger.
        changing: called before the application, or a framework, configures logging.
        changed: called after the application, or a framework, has configured logging.
    """

    def __init__(self, ours: logging.Handler, changing: Callable[[], None], changed: Callable[[], None]) -> None:
        self._ours = ours
        self._changing = guarded(changing)
        self._changed = guarded(changed)
        self._sdks: WeakSet[logging.Handler] = WeakSet()
        self._exporting: list[logging.Handler] = []
        self._taken: list[tuple[logging.Logger, logging.Handler, bool]] = []

    def install(self, patches: Patches) -> None:
        """Watch the functions that configure logging."""
        patches.wrap("logging", "basicConfig", self._configure)
        patches.wrap("logging.config", "dictConfig", self._configure)
        patches.wrap("logging.config", "fileConfig", self._configure)

    def has_application(self, name: str = "root") -> bool:
        """Return whether the application writes a logger's records to the console, or has configured the root logger.

        Args:
            name: of the logger.
        """
        logger = logging.root.manager.loggerDict.get(name)
        while isinstance(logger, logging.Logger) and logger is not logging.root:
            if any(_is_console(handler) for handler in logger.handlers):
                return True
            logger = logger.parent
        return any(self._is_applications(handler) for handler in logging.root.handlers)

    def has_sdk(self) -> bool:
        """Return whether an MCP SDK has configured logging."""
        return any(handler in self._sdks for handler in logging.getLogger().handlers)

    def take(self, *, sdks: bool, consoles: bool) -> list[logging.Handler]:
        """Take handlers away whose place is ours.

        Args:
            sdks: whether those of the MCP SDKs give way.
            consoles: whether every handler that writes to the console gives way, those of frameworks included.

        Returns:
            all that send to OpenTelemetry: they are fed with what we have read.
        """
        root = logging.getLogger()
        for handler in [*root.handlers]:
            if is_exporting(handler):
                self._exporting.append(handler)
                self._take(root, handler)
            elif (sdks and handler in self._sdks) or (consoles and _is_console(handler)):
                self._take(root, handler)
        for name in _FRAMEWORKS if consoles else ():
            logger = logging.getLogger(name)
            for handler in filter(_is_console, [*logger.handlers]):
                self._take(logger, handler)
                logger.propagate = True
        return self._exporting

    def give_back(self) -> None:
        """Put back what was taken."""
        self._exporting.clear()
        while self._taken:
            logger, handler, propagated = self._taken.pop()
            logger.addHandler(handler)
            logger.propagate = propagated

    def _take(self, logger: logging.Logger, handler: logging.Handler) -> None:
        self._taken.append((logger, handler, logger.propagate))
        logger.removeHandler(handler)

    def _is_applications(self, handler: logging.Handler) -> bool:
        is_silent = isinstance(handler, logging.NullHandler)
        return not (handler is self._ours or handler in self._sdks or is_silent or is_exporting(handler))

    def _configure(self, wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
        root = logging.getLogger()
        before = {*root.handlers}
        self._changing()
        with _unseen(self._ours):
            result = wrapped(*args, **kwargs)
        self._note({*root.handlers} - before)
        return result

    @guarded
    def _note(self, new: set[logging.Handler]) -> None:
        if _caller() in _SDKS:
            self._sdks.update(new)
        for name, logger in logging.root.manager.loggerDict.items():
            if name.startswith("mcp_opentelemetry") and isinstance(logger, logging.Logger):
                logger.disabled = False  # `dictConfig` switches off whom it does not know
        self._changed()


def is_exporting(handler: logging.Handler) -> bool:
    """Return whether a handler sends records to OpenTelemetry's SDK."""
    kinds = type(handler).__mro__
    return any(kind.__module__.startswith("opentelemetry.") and kind.__name__ == "LoggingHandler" for kind in kinds)


@contextmanager
def _unseen(handler: logging.Handler) -> Generator[None]:
    """Take a handler off the root logger for a while: one that is there would keep the application from its own."""
    root = logging.getLogger()
    is_there = handler in root.handlers
    if is_there:
        root.removeHandler(handler)
    try:
        yield
    finally:
        if is_there:
            root.addHandler(handler)


def _caller() -> str:
    """Return the package that has called the function that is being wrapped."""
    frame = sys._getframe(2)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (documented)
    while frame is not None:
        package: str = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in _BETWEEN:
            return package
        frame = frame.f_back
    return ""


def _is_console(handler: logging.Handler) -> bool:
    streams: Iterable[object] = (sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__)
    console: Any = getattr(handler, "console", None)  # of rich
    stream = getattr(handler, "stream", None) if console is None else getattr(console, "file", None)
    if isinstance(handler, logging.FileHandler) or stream is None:
        return False
    return any(stream is each for each in streams)
