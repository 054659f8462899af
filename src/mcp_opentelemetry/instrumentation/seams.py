"""Which seams fit the SDK that is installed: two sets are enough for mcp 1.x and 2.x and fastmcp 2, 3 and 4."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.instrumentation import fastmcp, mcp1, mcp1_client, mcp2, mcp2_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.instrumentation.patches import Patches
    from mcp_opentelemetry.operations.operation import Operations


def mcp_major() -> int:
    """Return the major version of the installed mcp, without importing it."""
    return int(version("mcp").partition(".")[0])


def install_seams(
    major: int, operations: Operations, serving: Callable[[Any], None], patches: Patches, *, client: bool = True
) -> None:
    """Put in the seams for servers and clients.

    Args:
        major: the major version of mcp.
        operations: makes the spans and measurements.
        serving: called with each low-level server when its first message arrives.
        patches: where the seams are put.
        client: whether sent requests are observed, too.
    """
    backend, client_backend = (mcp1, mcp1_client) if major == 1 else (mcp2, mcp2_client)
    backend.ServerSeam(operations, serving).install(patches)
    fastmcp.silence(patches)
    if major > 1:
        fastmcp.note_tools(patches)
    if client:
        client_backend.ClientSeam(operations).install(patches)
