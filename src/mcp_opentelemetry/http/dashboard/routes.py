"""The routes of the dashboard: the page, its numbers, and its files."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from anyio import CapacityLimiter, to_thread
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mcp_opentelemetry.exposition import no_collection
from mcp_opentelemetry.http.dashboard.page import render
from mcp_opentelemetry.http.quiet import quietly
from mcp_opentelemetry.summary import make_snapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from mcp_opentelemetry.runtime import Runtime

    Refuse = Callable[[Request, Runtime], Response | None]

_STATIC: Final = files("mcp_opentelemetry.http.dashboard") / "static"
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_FILES: Final = {
    "dashboard.css": ("dashboard.css", "text/css; charset=utf-8"),
    "dashboard.js": ("dashboard.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
    "uPlot.min.css": ("uplot/uPlot.min.css", "text/css; charset=utf-8"),
    "uPlot.iife.min.js": ("uplot/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
}


def dashboard_routes(runtime: Runtime, refuse: Refuse) -> list[BaseRoute]:
    """Return the routes.

    Args:
        runtime: what the dashboard shows.
        refuse: returns the answer to a request that may not see it.
    """
    # One at a time, in a thread: with a thousand tools the numbers take a tenth of a second.
    limiter = CapacityLimiter(1)

    async def dashboard(request: Request) -> Response:
        if (refused := refuse(request, runtime)) is not None:
            return refused
        await runtime.monitor.look()
        if wants_page(request.headers.get("accept", ""), request.query_params.get("format")):
            page = await to_thread.run_sync(_page, runtime, limiter=limiter)
            return Response(page, headers=_HEADERS, media_type="text/html")
        since = _number(request.query_params.get("since"))
        numbers = await to_thread.run_sync(_numbers, runtime, since, limiter=limiter)
        return Response(numbers, headers=_HEADERS, media_type="application/json")

    routes: list[BaseRoute] = [Route("/dashboard", quietly(dashboard), methods=["GET"])]
    routes += [Route(f"/dashboard/{name}", _file(runtime, refuse, *_FILES[name]), methods=["GET"]) for name in _FILES]
    return routes


def wants_page(accept: str, format_: str | None) -> bool:
    """Return whether a request is a browser's; `?format=json` or `html` overrules its `Accept` header."""
    return format_ == "html" or (format_ != "json" and "text/html" in accept.lower())


def _page(runtime: Runtime) -> bytes:
    with no_collection():
        return render(make_snapshot(runtime))


def _numbers(runtime: Runtime, since: float) -> bytes:
    with no_collection():
        return json.dumps(make_snapshot(runtime, since), allow_nan=False).encode()


def _file(runtime: Runtime, refuse: Refuse, path: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def file(request: Request) -> Response:
        if (refused := refuse(request, runtime)) is not None:
            return refused
        content = (_STATIC / path).read_bytes()
        return Response(content, headers={**_HEADERS, "cache-control": "no-cache"}, media_type=media_type)

    return file


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
