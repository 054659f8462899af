"""`configure`: the same as `opentelemetry-instrument`, in code."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypedDict, cast

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from typing_extensions import Unpack

from mcp_opentelemetry.config import PREFIX, Settings
from mcp_opentelemetry.configurator import McpConfigurator, is_disabled
from mcp_opentelemetry.distro import McpDistro
from mcp_opentelemetry.instrumentor import McpInstrumentor
from mcp_opentelemetry.operations.operation import get_operations
from mcp_opentelemetry.runtime import get_runtime

if TYPE_CHECKING:
    from mcp_opentelemetry.logs.reading import RedactLog
    from mcp_opentelemetry.operations.capture import Redact

_logger = logging.getLogger("mcp_opentelemetry")


class Arguments(TypedDict, total=False):
    """The settings as arguments; what each means stands beside it in `Settings`."""

    capture: str
    endpoints: str | Iterable[str]
    http_host: str
    http_port: int
    http_token: str
    http_token_file: str
    http_allow: str | Iterable[str]
    health_memory_limit: float
    health_cpu_limit: float
    health_disk_limit: float
    health_descriptor_limit: float
    health_loop_limit: float
    drain_seconds: float
    alert_rules: str | Iterable[str]
    alert_defaults: bool
    alert_interval: str | float
    alert_receivers: str | Iterable[str]
    alert_journal: str
    slo: float
    log_format: str
    log_level: str
    log_success_ratio: float | str
    log_redact: str | Iterable[str]
    log_rate_limit: int
    log_file: str
    log_max_bytes: int
    log_backups: int
    log_rotate: str | float
    log_to_client: str
    trace_url: str
    exit_timeout: float


def configure(
    *,
    service_name: str | None = None,
    redact: Redact | None = None,
    redact_log: RedactLog | None = None,
    **settings: Unpack[Arguments],
) -> None:
    """Set OpenTelemetry up and instrument the MCP servers of this process, those that exist and those to come.

    Does what `opentelemetry-instrument` does for a whole process, for MCP alone. A process that has been set up
    already keeps its providers and takes the new settings. A wrong value is reported and replaced by the default.

    Args:
        service_name: `service.name` of everything that is sent.
        redact: called with a tool's name and each value about to be captured; returns what to capture instead.
        redact_log: called with the fields of each log record, `message`, `logger` and `level` among them; returns what
            to log instead, or `None` for nothing.
        settings: each goes before the environment variable of its name; `None` leaves it to that.

    Raises:
        TypeError: there is no setting of that name.
    """
    if unknown := settings.keys() - Arguments.__annotations__.keys():
        raise TypeError(f"configure() has no setting {', '.join(sorted(unknown))}")
    values: dict[str, object] = {**settings}
    given = {PREFIX + name.upper(): _text(value) for name, value in values.items() if value is not None}
    runtime = get_runtime(Settings.from_mapping({**os.environ, **given}))
    runtime.redact, runtime.logs.redact = redact, redact_log
    if is_disabled(os.environ):
        return
    _set_up_sdk(service_name)
    instrumentor = McpInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        runtime.instruct(get_operations())
    else:
        instrumentor.instrument()
    runtime.logs.start()


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
    get_runtime().service_name = service_name


def _text(value: object) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(str(part) for part in cast("Iterable[object]", value))
    return str(value)
