"""`configure`: the same as `opentelemetry-instrument`, in code."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from mcp_opentelemetry.config import PREFIX, Settings
from mcp_opentelemetry.configurator import McpConfigurator, is_disabled
from mcp_opentelemetry.distro import McpDistro
from mcp_opentelemetry.instrumentor import McpInstrumentor
from mcp_opentelemetry.operations.operation import get_operations
from mcp_opentelemetry.runtime import get_runtime

if TYPE_CHECKING:
    from mcp_opentelemetry.operations.capture import Redact

_logger = logging.getLogger("mcp_opentelemetry")


def configure(
    *,
    service_name: str | None = None,
    capture: str | None = None,
    endpoints: str | Iterable[str] | None = None,
    http_host: str | None = None,
    http_port: int | None = None,
    http_token: str | None = None,
    http_token_file: str | None = None,
    http_allow: str | Iterable[str] | None = None,
    exit_timeout: float | None = None,
    redact: Redact | None = None,
) -> None:
    """Set OpenTelemetry up and instrument the MCP servers of this process, those that exist and those to come.

    Does what `opentelemetry-instrument` does for a whole process, for MCP alone. An argument goes before the
    environment variable of its name. A process that has been set up already keeps its providers and takes the
    new settings. A wrong value is reported and replaced by the default.

    Args:
        service_name: `service.name` of everything that is sent.
        capture: `none`, `errors` or `content`.
        endpoints: which routes are added to the MCP app; empty for none.
        http_host: where the port of our own listens.
        http_port: a port of our own; 0 for any free one.
        http_token: bearer token that opens `/metrics` to other machines.
        http_token_file: a file that holds it.
        http_allow: networks that may read `/metrics`.
        exit_timeout: seconds that exit may wait for exporters.
        redact: called with a tool's name and each value about to be captured; returns what to capture instead.
    """
    arguments = {
        "capture": capture,
        "endpoints": endpoints,
        "http_host": http_host,
        "http_port": http_port,
        "http_token": http_token,
        "http_token_file": http_token_file,
        "http_allow": http_allow,
        "exit_timeout": exit_timeout,
    }
    given = {PREFIX + name.upper(): _text(value) for name, value in arguments.items() if value is not None}
    runtime = get_runtime(Settings.from_mapping({**os.environ, **given}))
    runtime.redact = redact
    if is_disabled(os.environ):
        return
    _set_up_sdk(service_name)
    instrumentor = McpInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        get_operations().capture = runtime.capture()
    else:
        instrumentor.instrument()


def _set_up_sdk(service_name: str | None) -> None:
    present = (trace.get_tracer_provider(), metrics.get_meter_provider())
    if any(isinstance(provider, TracerProvider | MeterProvider) for provider in present):
        if service_name is not None:
            _logger.warning("OpenTelemetry is set up already: service_name=%r has no effect", service_name)
        return
    attributes = {} if service_name is None else {"service.name": service_name}
    distro: Any = McpDistro()  # the bases are not typed
    configurator: Any = McpConfigurator()
    distro.configure()
    configurator.configure(resource_attributes=attributes)


def _text(value: object) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(str(part) for part in cast("Iterable[object]", value))
    return str(value)
