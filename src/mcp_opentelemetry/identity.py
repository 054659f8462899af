"""What this process calls itself when nobody has told it."""

from __future__ import annotations

import os
import re
import socket
import sys
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from opentelemetry import trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OPTIONS_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_OPTIONS_BEFORE_MODULE = re.compile(r"-[A-Za-z]*m")
_OPTIONS_THAT_END = frozenset({"-c", "-"})
_BY_MULTIPROCESSING = "--multiprocessing-fork"


def service_name(environ: Mapping[str, str]) -> str | None:
    """Return `service.name` as the user has set it, in either of OpenTelemetry's variables."""
    if name := environ.get("OTEL_SERVICE_NAME", "").strip():
        return name
    return _resource_attributes(environ).get("service.name")


def service_version(environ: Mapping[str, str]) -> str | None:
    """Return `service.version` as the user has set it."""
    return _resource_attributes(environ).get("service.version")


def instance() -> str:
    """Return what this process is called among those of its service."""
    resource: Any = getattr(trace.get_tracer_provider(), "resource", None)
    given = resource.attributes.get("service.instance.id") if resource is not None else None
    return str(given or f"{socket.gethostname()}:{os.getpid()}")


def childs_instance_id(environ: Mapping[str, str]) -> str | None:
    """Return the `service.instance.id` of this process, a child of the one that the user has named; `None` if unnamed.

    All workers read the same variable, or are copies of the process that did. Two that bear one name look like one
    whose counters jump, so each adds what tells it from the others.
    """
    given = _resource_attributes(environ).get("service.instance.id")
    return None if given is None else f"{given}-{os.getpid()}"


def is_multiprocessings(command: Sequence[str] = tuple(sys.orig_argv)) -> bool:
    """Return whether `multiprocessing` has started this interpreter, as it does for uvicorn's workers."""
    return _BY_MULTIPROCESSING in command


def script_name(command: Sequence[str] = tuple(sys.orig_argv)) -> str:
    """Return what runs here: the script's or module's name, else `python`.

    Args:
        command: the interpreter's command line. `sys.argv` is not set yet when auto-instrumentation starts.
    """
    if is_multiprocessings(command):
        command = _parents_command()
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


def _parents_command() -> Sequence[str]:
    with suppress(OSError, ValueError):  # on Linux only; elsewhere a worker is just `python`
        return Path(f"/proc/{os.getppid()}/cmdline").read_text(encoding="utf-8").split("\0")[:-1]
    return ()


def _resource_attributes(environ: Mapping[str, str]) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    return {key.strip(): unquote(value.strip()) for key, _, value in pairs if value.strip()}
