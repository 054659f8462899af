"""Where an app for HTTP is made: our endpoints are added behind the app's own routes."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.applications import Starlette
    from starlette.routing import BaseRoute

    from mcp_opentelemetry.instrumentation.patches import Patches

_MAKERS = {
    1: (
        ("mcp.server.fastmcp.server", "FastMCP.streamable_http_app"),
        ("mcp.server.fastmcp.server", "FastMCP.sse_app"),
    ),
    2: (
        # MCPServer.streamable_http_app calls this one too.
        ("mcp.server.lowlevel.server", "Server.streamable_http_app"),
        ("mcp.server.mcpserver.server", "MCPServer.sse_app"),
    ),
}
# Called by FastMCP.http_app of fastmcp 2, 3 and 4, which have imported them by name.
_MAKERS_OF_FASTMCP = ("create_streamable_http_app", "create_sse_app")


class HttpApps:
    """The apps that carry our endpoints.

    Args:
        make_routes: makes the routes for one app.
    """

    def __init__(self, make_routes: Callable[[], Sequence[BaseRoute]]) -> None:
        self._make_routes = make_routes
        self._added: WeakKeyDictionary[Starlette, Sequence[BaseRoute]] = WeakKeyDictionary()

    def install(self, patches: Patches, major: int) -> None:
        """Add the endpoints to every app made from now on.

        Args:
            patches: where the seams are put.
            major: the major version of mcp.
        """
        for module, path in _MAKERS[major]:
            patches.wrap(module, path, self._make_app)
        for name in _MAKERS_OF_FASTMCP:
            patches.replace_everywhere("fastmcp.server.http", name, self._adding)

    def remove(self) -> None:
        """Take the endpoints out of the apps that live."""
        for app, routes in list(self._added.items()):
            for route in routes:
                app.router.routes.remove(route)
        self._added.clear()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._added)

    def _make_app(self, wrapped: Callable[..., Starlette], _server: Any, args: Any, kwargs: Any) -> Starlette:
        app = wrapped(*args, **kwargs)
        self._add(app)
        return app

    def _adding(self, make: Callable[..., Starlette]) -> Callable[..., Starlette]:
        @wraps(make)
        def make_app(*args: Any, **kwargs: Any) -> Starlette:
            return self._make_app(make, None, args, kwargs)

        return make_app

    @guarded
    def _add(self, app: Starlette) -> None:
        if app not in self._added:
            routes = self._make_routes()
            # At the end, where the first match wins: a route of the user's own always comes before ours.
            app.router.routes.extend(routes)
            self._added[app] = routes
