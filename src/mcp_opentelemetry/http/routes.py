"""The endpoints, as routes that fit any Starlette app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mcp_opentelemetry.http.access import Refusal, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from mcp_opentelemetry.runtime import Runtime

_NO_STORE = {"cache-control": "no-store"}


def make_routes(runtime: Runtime, names: Sequence[str]) -> list[BaseRoute]:
    """Return the routes of the named endpoints.

    Args:
        runtime: what they report on.
        names: `health`, `livez`, `readyz`, `metrics`.
    """
    endpoints: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "health": _health(runtime),
        "livez": _alive,
        "readyz": _alive,
        "metrics": _metrics(runtime),
    }
    return [Route(f"/{name}", endpoints[name], methods=["GET"]) for name in names]


async def _alive(_: Request) -> Response:
    # Answered on the event loop of the server it is asked of: an answer is the proof that the loop turns.
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


def _health(runtime: Runtime) -> Callable[[Request], Awaitable[Response]]:
    async def health(request: Request) -> Response:
        report = runtime.health()
        if _refusal(request, runtime) is not None:
            report = {"status": report["status"]}
        return JSONResponse(report, headers=_NO_STORE)

    return health


def _metrics(runtime: Runtime) -> Callable[[Request], Awaitable[Response]]:
    # A thread of our own: the host's worker threads are the host's. One, because one scrape is rendered at a time.
    limiter = CapacityLimiter(1)

    async def metrics(request: Request) -> Response:
        if (refused := _refusal(request, runtime)) is not None:
            return JSONResponse({"error": refused.reason}, refused.status, headers={**_NO_STORE, **refused.headers})
        accept = request.headers.get("accept", "")
        body, content_type = await to_thread.run_sync(runtime.scrape, accept, limiter=limiter)
        return Response(body, headers={**_NO_STORE, "content-type": content_type})

    return metrics


def _refusal(request: Request, runtime: Runtime) -> Refusal | None:
    client = request.client.host if request.client is not None else None
    return refusal(client, request.headers, runtime.settings)
