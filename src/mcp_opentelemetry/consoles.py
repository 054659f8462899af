"""The SDK's console exporters, kept off stdout: on stdio, that is the protocol's."""

from __future__ import annotations

import gc
import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
from opentelemetry.sdk.trace.export import ConsoleSpanExporter
from wrapt import FunctionWrapper, wrap_function_wrapper

if TYPE_CHECKING:
    from collections.abc import Callable

_CONSOLES: Final = (ConsoleSpanExporter, ConsoleMetricExporter, ConsoleLogRecordExporter)


def keep_consoles_off_stdout() -> None:
    """Make the console exporters to come write to stderr, whoever makes them.

    One that is given a stream explicitly keeps it.
    """
    for exporter in _CONSOLES:
        if not isinstance(vars(exporter)["__init__"], FunctionWrapper):
            wrap_function_wrapper(exporter, "__init__", _on_stderr)


def take_consoles_off_stdout() -> None:
    """Make the console exporters that exist write to stderr.

    Another distribution has made them and keeps them in places of its own: only the collector knows them all.
    """
    consoles: list[Any] = [found for found in gc.get_objects() if isinstance(found, _CONSOLES)]
    for console in consoles:
        if console.out is sys.stdout:
            console.out = sys.stderr


def _on_stderr(wrapped: Callable[..., None], _exporter: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    given = inspect.signature(wrapped).bind_partial(*args, **kwargs).arguments
    wrapped(*args, **(kwargs if "out" in given else {**kwargs, "out": sys.stderr}))
