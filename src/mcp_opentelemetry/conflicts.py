"""Other packages that instrument MCP, and what is known to go wrong beside them (measured in November 2026)."""

from __future__ import annotations

import logging
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import EntryPoint

_logger = logging.getLogger("mcp_opentelemetry")

_DISABLED: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_INSTRUMENTORS: Final = "opentelemetry_instrumentor"
# By the name of the distribution.
KNOWN: Final = {
    "opentelemetry-instrumentation-mcp": "fails with mcp 2.x, doubles spans and swallows clients' exceptions on 1.x",
    "loongsuite-instrumentation-mcp": "doubles spans and records arguments",
    "splunk-otel-instrumentation-fastmcp": "doubles spans, and takes every name that a client makes up as a label",
    "traceai-mcp": "keeps mcp 2.x from being imported",
    "opentel-mcp": "doubles spans on fastmcp 3, and takes every name that a client makes up as a label",
    "shinzo": "makes the tools of fastmcp 2 vanish and records arguments",
    "mcp-telemetry": "keeps servers from starting",
    "mcp-observatory-sdk": "breaks tools that are not async",
    "spanly": "keeps servers of mcp 2.x from starting",
    "scope-sdk": "keeps servers of mcp 2.x from starting",
}


class Conflict(NamedTuple):
    """A package that acts on the same calls as we do."""

    distribution: str
    instrumentor: str
    problem: str


def active_conflicts(environ: Mapping[str, str], candidates: Iterable[EntryPoint] | None = None) -> list[Conflict]:
    """Return the known packages that `opentelemetry-instrument` loads beside us.

    Args:
        environ: where instrumentors are switched off.
        candidates: entry points of instrumentors; those that are installed if omitted.
    """
    disabled = {name.strip() for name in environ.get(_DISABLED, "").split(",")}
    found: list[Conflict] = []
    for entry_point in entry_points(group=_INSTRUMENTORS) if candidates is None else candidates:
        distribution = entry_point.dist.name.lower().replace("_", "-") if entry_point.dist is not None else ""
        if distribution in KNOWN and entry_point.name not in disabled:
            found.append(Conflict(distribution, entry_point.name, KNOWN[distribution]))
    return found


def warn(conflicts: Iterable[Conflict]) -> None:
    """Name all conflicts in one warning, with what to do."""
    conflicts = list(conflicts)
    if conflicts:
        named = "; ".join(f"{conflict.distribution} {conflict.problem}" for conflict in conflicts)
        names = ",".join(sorted({conflict.instrumentor for conflict in conflicts}))
        _logger.warning("beside mcp-opentelemetry: %s. Uninstall, or set %s=%s", named, _DISABLED, names)
