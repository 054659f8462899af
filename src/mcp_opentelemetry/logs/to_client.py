"""A tool's own records, for the client that has called it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.operations.client_log import is_told
from mcp_opentelemetry.operations.operation import current_operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.logs.line import Line

# What a call runs through, and nobody's tool: its records are the operator's.
_PLUMBING: Final = frozenset(
    {
        *("fastmcp", "mcp", "mcp_opentelemetry", "mcp_types", "opentelemetry"),
        *("aiohttp", "httpcore", "httpx", "httpx2", "requests", "urllib3"),
        *("anyio", "asyncio", "sse_starlette", "starlette", "uvicorn"),
    }
)


def to_client(least: Callable[[], int | None]) -> Callable[[Line], None]:
    """Return a sink that tells the client of the request that is being handled.

    Args:
        least: returns the level from which on records go there; `None` for none.
    """

    def tell(line: Line) -> None:
        level = least()
        if level is None or line.level < level or is_told.get() or line.logger.partition(".")[0] in _PLUMBING:
            return
        operation = current_operation()
        if operation is not None and operation.client_log is not None:
            data = {"message": line.message, **line.fields} if line.fields else line.message
            operation.client_log.tell(line.level, data, line.logger)

    return tell
