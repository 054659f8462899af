"""What OpenTelemetry's SDK leaves undone in a forked child: counts, locks and the name of the instance."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, Resource

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider


@guarded
def count_from_zero(provider: MeterProvider) -> None:
    """Forget what the parent has measured: it exports that itself, and each of its children would do so again.

    The locks are made anew along with it. One that another thread held at the moment of the fork would never be
    released here, and the next measurement would wait for it for ever.
    """
    consumer: Any = cast("Any", provider)._measurement_consumer  # noqa: SLF001 (there is no public way)
    instruments = consumer._async_instruments  # noqa: SLF001 (as above)
    readers = list(consumer._reader_storages)  # noqa: SLF001 (as above)
    consumer.__init__(consumer._sdk_config, readers)  # noqa: SLF001 (instruments hold on to this very object)
    consumer._async_instruments = instruments  # noqa: SLF001 (as above)
    for reader in readers:
        if hasattr(reader, "_export_lock"):
            reader._export_lock = threading.Lock()  # noqa: SLF001 (as above)


@guarded
def rename_instance(instance_id: str | None) -> None:
    """Say who exports from here on.

    Args:
        instance_id: `None` keeps the random one that the SDK gives every child.
    """
    if instance_id is None:
        return
    resource = Resource({SERVICE_INSTANCE_ID: instance_id})
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider()):
        if hasattr(provider, "_update_resource"):
            cast("Any", provider)._update_resource(resource)  # noqa: SLF001 (what the SDK does itself after a fork)
