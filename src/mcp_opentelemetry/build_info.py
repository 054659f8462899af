"""`mcp.build.info`: a gauge of 1 whose labels say what runs, so that a scrape is never empty."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import Observation, get_meter

from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, MeterProvider

BUILD_INFO: Final = "mcp.build.info"


def observe_build_info(
    server: Callable[[], tuple[str | None, str | None] | None], meter_provider: MeterProvider | None = None
) -> None:
    """Report versions of us and of the SDK, and the server's name and version.

    Args:
        server: returns the name and version of the server, once one serves; `None` where none ever will.
        meter_provider: where it is reported; the global one if omitted.
    """

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        named = server()
        if named is None or "mcp" not in sys.modules:
            return  # a supervisor, or whatever else Python has started or forked
        sdk = "fastmcp" if "fastmcp" in sys.modules else "mcp"
        name, server_version = named
        labels = {
            "version": __version__,
            "mcp_sdk": sdk,
            "mcp_sdk_version": _version_of(sdk),
            "server_name": name or "",
            "server_version": server_version or "",
        }
        yield Observation(1, labels)

    meter = get_meter("mcp_opentelemetry", __version__, meter_provider)
    meter.create_observable_gauge(BUILD_INFO, [observe], "1", "What runs here; the value is always 1.")


@cache
def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
