"""Probes, and the questions of an open dashboard, leave no line in uvicorn's access log if they are answered well.

A route of the user's own keeps its lines.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    Endpoint = Callable[[Request], Awaitable[Response]]

_is_probe: ContextVar[bool] = ContextVar("mcp_opentelemetry_is_probe", default=False)


def quietly(endpoint: Endpoint) -> Endpoint:
    """Mark the requests that an endpoint answers as probes."""
    logger = logging.getLogger("uvicorn.access")
    if _is_worth_a_line not in logger.filters:
        logger.addFilter(_is_worth_a_line)

    async def answer(request: Request) -> Response:
        # Never reset: the line is written when the response is sent, in this same context, which ends with it.
        _is_probe.set(True)
        return await endpoint(request)

    return answer


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    status = record.args[-1] if isinstance(record.args, tuple) and record.args else None
    return not (_is_probe.get() and isinstance(status, int) and 200 <= status < 300)  # noqa: PLR2004 (HTTP: success)
