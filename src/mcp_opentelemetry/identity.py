"""What this process calls itself when nobody has told it."""

from __future__ import annotations

import re
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OPTIONS_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_OPTIONS_BEFORE_MODULE = re.compile(r"-[A-Za-z]*m")
_OPTIONS_THAT_END = frozenset({"-c", "-"})


def service_name(environ: Mapping[str, str]) -> str | None:
    """Return `service.name` as the user has set it, in either of OpenTelemetry's variables."""
    if name := environ.get("OTEL_SERVICE_NAME", "").strip():
        return name
    return _resource_attributes(environ).get("service.name")


def service_version(environ: Mapping[str, str]) -> str | None:
    """Return `service.version` as the user has set it."""
    return _resource_attributes(environ).get("service.version")


def script_name(command: Sequence[str] = tuple(sys.orig_argv)) -> str:
    """Return what runs here: the script's or module's name, else `python`.

    Args:
        command: the interpreter's command line. `sys.argv` is not set yet when auto-instrumentation starts.
    """
    arguments = iter(command[1:])
    for argument in arguments:
        if argument in _OPTIONS_WITH_VALUE:
            next(arguments, None)
        elif _OPTIONS_BEFORE_MODULE.fullmatch(argument):
            return next(arguments, "python")
        elif argument in _OPTIONS_THAT_END:
            break
        elif not argument.startswith("-"):
            return PurePath(argument).stem
    return "python"


def _resource_attributes(environ: Mapping[str, str]) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    return {key.strip(): unquote(value.strip()) for key, _, value in pairs if value.strip()}
