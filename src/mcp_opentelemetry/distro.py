"""Entry point `opentelemetry_distro`: defaults, before anything else is loaded."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.instrumentation.environment_variables import OTEL_PYTHON_CONFIGURATOR
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
)

from mcp_opentelemetry.config import PROBES

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from importlib.metadata import EntryPoint

_logger = logging.getLogger("mcp_opentelemetry")

NAME: Final = "mcp_opentelemetry"

ENDPOINT_BY_EXPORTER: Final = {
    OTEL_TRACES_EXPORTER: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_METRICS_EXPORTER: OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
    OTEL_LOGS_EXPORTER: OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
}
# Not imported: that would import the instrumentation itself.
_LOG_AUTO_INSTRUMENTATION: Final = "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION"
_FRAMEWORKS: Final = ("ASGI", "FASTAPI", "STARLETTE")
_PROBES: Final = rf"/({'|'.join(PROBES)})(\?|$)"


class McpDistro(BaseDistro):
    """Sets the environment that the configurator and the instrumentors read."""

    def _configure(self, **kwargs: Any) -> None:
        keep_our_configurator(os.environ)
        export_where_an_endpoint_is_named(os.environ)
        keep_raw_logs_here(os.environ)
        keep_probes_out_of_traces(os.environ)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Load one instrumentor; one that fails does not take those after it along, ours among them."""
        try:
            super().load_instrumentor(entry_point, **kwargs)  # pyright: ignore[reportUnknownMemberType] (untyped)
        except (ImportError, DependencyConflictError):
            raise  # what is not installed: the loader passes over it
        except Exception:
            _logger.exception("the instrumentor %s has failed; the others go on", entry_point.name)


def keep_our_configurator(environ: MutableMapping[str, str]) -> None:
    """Name our configurator, unless the user has named one: another distribution's may sort first."""
    environ.setdefault(OTEL_PYTHON_CONFIGURATOR, NAME)


def export_where_an_endpoint_is_named(environ: MutableMapping[str, str]) -> None:
    """Choose OTLP for each signal that has an endpoint, and nothing for the others.

    Without an endpoint an exporter would retry against a port that nobody listens on, and hold up the exit.
    """
    for exporter, endpoint in ENDPOINT_BY_EXPORTER.items():
        if environ.get(endpoint) or environ.get(OTEL_EXPORTER_OTLP_ENDPOINT):
            environ.setdefault(exporter, "otlp")


def keep_raw_logs_here(environ: MutableMapping[str, str]) -> None:
    """Have no handler but ours send log records, unless the user wants one: the SDKs' quote exceptions' messages."""
    environ.setdefault(_LOG_AUTO_INSTRUMENTATION, "false")


def keep_probes_out_of_traces(environ: MutableMapping[str, str]) -> None:
    """Exclude our endpoints where web frameworks are instrumented, unless the user has said what to exclude."""
    if "OTEL_PYTHON_EXCLUDED_URLS" not in environ:
        for framework in _FRAMEWORKS:
            environ.setdefault(f"OTEL_PYTHON_{framework}_EXCLUDED_URLS", _PROBES)
