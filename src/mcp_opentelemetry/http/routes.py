"""The endpoints, as routes that fit any Starlette app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mcp_opentelemetry.health.report import make_report
from mcp_opentelemetry.http.access import Refusal, refusal
from mcp_opentelemetry.http.dashboard.routes import dashboard_routes
from mcp_opentelemetry.http.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from mcp_opentelemetry.http.quiet import Endpoint
    from mcp_opentelemetry.runtime import Runtime

_NO_STORE = {"cache-control": "no-store"}


def make_routes(runtime: Runtime, names: Sequence[str], *, on_own_port: bool) -> list[BaseRoute]:
    """Return the routes of the named endpoints.

    Args:
        runtime: what they report on.
        names: `health`, `livez`, `readyz`, `metrics`, `dashboard`.
        on_own_port: whether they are served by a loop of our own.
    """
    endpoints: dict[str, Endpoint] = {
        "health": _health(runtime),
        "livez": _alive_seen_from_outside(runtime) if on_own_port else _alive,
        "readyz": _ready(runtime),
        "metrics": _metrics(runtime, is_one_workers=on_own_port and runtime.settings.http_port == 0),
    }
    routes: list[BaseRoute] = [
        Route(f"/{name}", quietly(endpoints[name]), methods=["GET"]) for name in names if name in endpoints
    ]
    return [*routes, *dashboard_routes(runtime, _refused)] if "dashboard" in names else routes


async def _alive(_: Request) -> Response:
    # Answered on the event loop of the server it is asked of: an answer is the proof that the loop turns.
    return _answer({"status": "ok"})


def _alive_seen_from_outside(runtime: Runtime) -> Endpoint:
    async def alive(_: Request) -> Response:
        is_turning = runtime.monitor.event_loop_turns()
        return _answer({"status": "ok" if is_turning else "blocked"}, is_well=is_turning)

    return alive


def _ready(runtime: Runtime) -> Endpoint:
    async def ready(request: Request) -> Response:
        phase = runtime.monitor.lifecycle.phase
        if phase != "ready":
            return _answer({"status": phase}, is_well=False)
        await runtime.monitor.health.settled()
        failing = runtime.monitor.health.failing_critical()
        if not failing:
            return _answer({"status": "ok"})
        is_allowed = _refusal(request, runtime) is None
        return _answer({"status": "unhealthy"} | ({"checks": failing} if is_allowed else {}), is_well=False)

    return ready


def _health(runtime: Runtime) -> Endpoint:
    async def health(request: Request) -> Response:
        await runtime.monitor.look()
        report = make_report(runtime)
        is_well = report["status"] != "unhealthy"
        return _answer(report if _refusal(request, runtime) is None else {"status": report["status"]}, is_well=is_well)

    return health


def _metrics(runtime: Runtime, *, is_one_workers: bool) -> Endpoint:
    # A thread of our own: the host's worker threads are the host's. One, because one scrape is rendered at a time.
    limiter = CapacityLimiter(1)

    async def metrics(request: Request) -> Response:
        if (refused := _refused(request, runtime)) is not None:
            return refused
        return await to_thread.run_sync(scrape, request.headers.get("accept", ""), limiter=limiter)

    def scrape(accept: str) -> Response:
        # Another scrape would reach another worker: counters that go back and forth, of which rates are made up.
        if not is_one_workers and (shared := runtime.workers.shared()):
            return JSONResponse({"error": shared["advice"]}, 503, _NO_STORE)
        body, content_type = runtime.scrape(accept)
        return Response(body, headers={**_NO_STORE, "content-type": content_type})

    return metrics


def _answer(body: dict[str, Any], *, is_well: bool = True) -> Response:
    return JSONResponse(body, 200 if is_well else 503, headers=_NO_STORE)


def _refused(request: Request, runtime: Runtime) -> Response | None:
    why = _refusal(request, runtime)
    if why is None:
        return None
    response = JSONResponse({"error": why.reason}, why.status, _NO_STORE)
    for challenge in why.challenges:
        response.headers.append("www-authenticate", challenge)
    return response


def _refusal(request: Request, runtime: Runtime) -> Refusal | None:
    client = request.client.host if request.client is not None else None
    return refusal(client, request.headers, runtime.settings)
