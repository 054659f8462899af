"""Entry point `opentelemetry_configurator`: providers, our reader, and the farewell."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.sdk._configuration import (
    _OTelSDKConfigurator,  # pyright: ignore[reportPrivateUsage] (the documented base of every distribution's)
)
from opentelemetry.sdk.environment_variables import OTEL_CONFIG_FILE, OTEL_SDK_DISABLED

from mcp_opentelemetry import identity
from mcp_opentelemetry.consoles import keep_consoles_off_stdout, take_consoles_off_stdout
from mcp_opentelemetry.farewell import Farewell, Provider
from mcp_opentelemetry.runtime import get_runtime
from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, MutableMapping

_AUTO_INSTRUMENTATION: Final = "opentelemetry.instrumentation.auto_instrumentation"
_EXPORTERS: Final = (OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_LOGS_EXPORTER)


class McpConfigurator(_OTelSDKConfigurator):
    """Sets the SDK up as OpenTelemetry's variables say, and adds what is ours."""

    has_run: ClassVar[bool] = False

    def _configure(self, **kwargs: Any) -> None:
        type(self).has_run = True
        if is_disabled(os.environ):
            return  # else the SDK would build its providers and start their threads all the same
        keep_consoles_off_stdout()
        with prometheus_is_ours(os.environ):
            exports = exports_anything(os.environ)
            set_up_sdk = cast("Callable[..., None]", super()._configure)  # pyright: ignore[reportUnknownMemberType] (untyped)
            if os.environ.get(OTEL_CONFIG_FILE):
                set_up_sdk()  # it ignores arguments then, with a warning
            else:
                set_up_sdk(**with_identity(kwargs, os.environ))
        get_runtime().attach()
        if exports:
            prepare_farewell()


def stand_in(environ: Mapping[str, str]) -> None:
    """Add what is ours to an SDK that another distribution's configurator has set up in our configurator's place.

    Does nothing where ours has run, and where the application has set the SDK up itself: its exit is its own.
    """
    if McpConfigurator.has_run or _AUTO_INSTRUMENTATION not in sys.modules:
        return
    keep_consoles_off_stdout()
    if exports_anything(environ):
        take_consoles_off_stdout()
        prepare_farewell()


def is_disabled(environ: Mapping[str, str]) -> bool:
    """Return whether the user has switched OpenTelemetry off."""
    return environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"


def exports_anything(environ: Mapping[str, str]) -> bool:
    """Return whether any signal leaves the process by itself, so that there is something to flush."""
    return bool(environ.get(OTEL_CONFIG_FILE)) or any(
        environ.get(name, "").strip().lower() not in {"", "none"} for name in _EXPORTERS
    )


@contextmanager
def prometheus_is_ours(environ: MutableMapping[str, str]) -> Generator[None]:
    """Hide the `prometheus` exporter from the SDK, which would open a second reader and a port at once.

    Restored at the end: a worker process reads the same variables.
    """
    before = environ.get(OTEL_METRICS_EXPORTER)
    if before is not None:
        others = [name for name in (part.strip() for part in before.split(",")) if name != "prometheus"]
        environ[OTEL_METRICS_EXPORTER] = ",".join(others) or "none"
    try:
        yield
    finally:
        if before is not None:
            environ[OTEL_METRICS_EXPORTER] = before


def with_identity(kwargs: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the configurator's arguments with resource attributes that say who runs and what observes it."""
    attributes: dict[str, str] = {
        "telemetry.distro.name": "mcp-opentelemetry",
        "telemetry.distro.version": __version__,
        **(kwargs.get("resource_attributes") or {}),
    }
    if identity.service_name(environ) is None:
        attributes.setdefault("service.name", identity.script_name())
    if identity.is_multiprocessings() and (instance := identity.childs_instance_id(environ)) is not None:
        attributes["service.instance.id"] = instance
    return {**kwargs, "resource_attributes": attributes}


def prepare_farewell() -> None:
    """Have everything flushed at exit and on SIGTERM."""
    runtime = get_runtime()
    runtime.farewell = Farewell([*providers(), runtime.logs], runtime.exit_timeout)
    runtime.await_end()


def providers() -> list[Provider]:
    """Return the providers that are set."""
    found: list[object] = [trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider()]
    return [cast("Provider", provider) for provider in found if hasattr(provider, "shutdown")]
