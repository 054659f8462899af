"""`mcp-opentelemetry doctor`: what is installed, what is set, what is wrong with it, and what would open where."""

from __future__ import annotations

import logging
import os
import socket
import sys
from argparse import ArgumentParser
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mcp_opentelemetry.config import PREFIX, Settings
from mcp_opentelemetry.configurator import is_disabled
from mcp_opentelemetry.conflicts import KNOWN, active_conflicts
from mcp_opentelemetry.distro import ENDPOINT_BY_EXPORTER, NAME, export_where_an_endpoint_is_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_OK, _NOTE, _WRONG = "ok", "note", "WRONG"
_PACKAGES: Final = ("mcp", "fastmcp", "opentelemetry-sdk", "opentelemetry-instrumentation", "mcp-opentelemetry")
_GROUPS: Final = {
    "opentelemetry_distro": "OTEL_PYTHON_DISTRO",
    "opentelemetry_configurator": "OTEL_PYTHON_CONFIGURATOR",
}
_OTLP_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PATIENCE: Final = 2.0  # seconds for a collector to accept a connection

Finding = tuple[str, str]
"""How bad it is (`ok`, `note`, `WRONG`), and a sentence."""


def main(arguments: Sequence[str]) -> int:
    """Print what there is to say; returns 1 if anything is wrong."""
    ArgumentParser(prog="mcp-opentelemetry doctor", description=__doc__).parse_args(arguments)
    wrong = False
    for title, findings in examine(os.environ).items():
        print(title)
        for level, text in findings:
            wrong = wrong or level == _WRONG
            print(f"  {level:6}{text}")
    print("something is wrong" if wrong else "all is well")
    return 1 if wrong else 0


def examine(environ: Mapping[str, str]) -> dict[str, list[Finding]]:
    """Return all findings, by section.

    Args:
        environ: the environment that a server would start in.
    """
    settings, complaints = _read_settings(environ)
    return {
        "Versions": list(_versions()),
        "Distribution and instrumentors": [*_distribution(environ), *_instrumentors(environ)],
        "Settings": [*_settings(environ, settings), *complaints],
        "Export": list(_export(environ)),
        "Endpoints": list(_endpoints(settings)),
        "Logs": list(_logs(settings)),
    }


def _versions() -> Iterator[Finding]:
    yield _OK, f"python {sys.version.split()[0]}"
    for package in _PACKAGES:
        installed = _version_of(package)
        yield (_NOTE, f"{package} is not installed") if installed is None else (_OK, f"{package} {installed}")


def _version_of(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _distribution(environ: Mapping[str, str]) -> Iterator[Finding]:
    if is_disabled(environ):
        yield _NOTE, "OTEL_SDK_DISABLED=true: nothing is observed"
    for group, variable in _GROUPS.items():
        others = sorted({entry.name for entry in entry_points(group=group)} - {NAME})
        chosen = environ.get(variable)
        kind = group.removeprefix("opentelemetry_")
        if chosen == NAME or (chosen is None and not others):
            yield _OK, f"{kind}: {NAME}"
        elif chosen is not None:
            yield _NOTE, f"{kind}: {variable}={chosen}; everything works, with that one's defaults"
        elif kind == "distro":
            yield _NOTE, f"{kind}: {NAME} or {' or '.join(others)}, by chance; set {variable}={NAME}"


def _instrumentors(environ: Mapping[str, str]) -> Iterator[Finding]:
    names = sorted(entry.name for entry in entry_points(group="opentelemetry_instrumentor"))
    yield _OK, f"instrumentors: {', '.join(names)}"
    for conflict in active_conflicts(environ):
        yield _WRONG, f"{conflict.distribution} {conflict.problem}; uninstall it"
    loaded = {conflict.distribution for conflict in active_conflicts(environ)}
    for distribution in sorted(KNOWN.keys() - loaded):
        if _version_of(distribution) is not None:
            yield _NOTE, f"{distribution} {KNOWN[distribution]}; do not call it"


def _read_settings(environ: Mapping[str, str]) -> tuple[Settings, list[Finding]]:
    """Return the settings, and what a server would log about them."""
    complaints = _Complaints()
    logger = logging.getLogger("mcp_opentelemetry")
    logger.addHandler(complaints)
    propagate, logger.propagate = logger.propagate, False
    try:
        return Settings.from_mapping(environ), complaints.findings
    finally:
        logger.propagate = propagate
        logger.removeHandler(complaints)


def _settings(environ: Mapping[str, str], settings: Settings) -> Iterator[Finding]:
    for setting in fields(settings):
        variable = PREFIX + setting.name.upper()
        value = getattr(settings, setting.name)
        shown = "(hidden)" if setting.metadata["secret"] and value is not None else repr(value)
        source = "environment" if variable in environ else "default" if value == setting.default else "another variable"
        yield _OK, f"{variable} = {shown} ({source})"
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable.removeprefix(PREFIX).lower() not in settings.__dataclass_fields__:
            yield _WRONG, f"{variable} is no setting"


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.findings: list[Finding] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.findings.append((_WRONG, record.getMessage()))


def _export(environ: Mapping[str, str]) -> Iterator[Finding]:
    effective = dict(environ)
    export_where_an_endpoint_is_named(effective)
    for exporter, variable in ENDPOINT_BY_EXPORTER.items():
        signal = exporter.split("_")[1].lower()
        chosen = effective.get(exporter, "none")
        if "otlp" not in chosen:
            yield _OK, f"{signal}: {chosen}"
            continue
        endpoint = effective.get(variable) or effective.get(_OTLP_ENDPOINT) or "http://localhost:4317"
        yield _answer_of(signal, endpoint)


def _answer_of(signal: str, endpoint: str) -> Finding:
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    try:
        address = (parts.hostname or "localhost", parts.port or (443 if parts.scheme == "https" else 80))
        with socket.create_connection(address, timeout=_PATIENCE):
            return _OK, f"{signal}: otlp, {address[0]} port {address[1]} answers"
    except (OSError, ValueError) as error:
        return (
            _WRONG,
            f"{signal}: otlp, nothing answers at {parts.hostname}:{parts.netloc.rpartition(':')[2]} ({error})",
        )


def _endpoints(settings: Settings) -> Iterator[Finding]:
    routes = ", ".join(f"/{name}" for name in settings.endpoints)
    yield _OK, f"on the app of an HTTP server: {routes or 'none'}"
    if settings.http_port is None:
        yield _NOTE, f"no port of our own: a stdio server has no /metrics; set {PREFIX}HTTP_PORT"
        return
    try:
        socket.create_server((settings.http_host, settings.http_port)).close()
    except OSError as error:
        yield _WRONG, f"{settings.http_host} port {settings.http_port} cannot be listened on ({error})"
        return
    yield _OK, f"a port of our own: http://{settings.http_host}:{settings.http_port}/metrics"
    if settings.http_host not in {"127.0.0.1", "localhost", "::1"} and not (settings.token or settings.http_allow):
        yield _NOTE, f"{settings.http_host} is open to other machines, but nothing lets them in: set {PREFIX}HTTP_TOKEN"


def _logs(settings: Settings) -> Iterator[Finding]:
    if settings.log_format is None:
        yield _OK, "on standard error, as JSON, where the application has no handler of its own"
    else:
        yield _OK, f"on standard error: {settings.log_format}"
    if settings.log_path is None:
        return
    folder = settings.log_path.parent
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        yield _WRONG, f"{settings.log_file} cannot be written: {existing} is no folder that this user may write to"
    else:
        yield _OK, f"in {settings.log_file}, archived at {settings.log_max_bytes:,} bytes"
    if find_spec("concurrent_log_handler") is None:
        yield _NOTE, "several processes write a file each; one for all: pip install 'mcp-opentelemetry[logs]'"
