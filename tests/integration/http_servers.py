"""The ways to serve MCP over HTTP, as processes, spoken to by the real client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.client import Client
from mcp.client.sse import sse_client
from typing_extensions import Self

from tests.integration.processes import PATIENCE, PYTHON, Process, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_types import CallToolResult

UVICORN: Final = "uvicorn asgi_app:app"
WORKERS: Final = "uvicorn asgi_app:app --workers 2"
GUNICORN: Final = "gunicorn asgi_app:app -k uvicorn_worker.UvicornWorker --no-control-socket --workers 2"
PRELOADED: Final = f"{GUNICORN} --preload"
FLEETS: Final = (WORKERS, GUNICORN, PRELOADED)
"""Commands that start two workers behind one port."""
HTTP_SERVERS: Final = ("streamable-http", "sse", UVICORN)


class HttpServer(Process):
    """A server process that listens on loopback once `with` is entered.

    Args:
        kind: a transport for `MCPServer.run`, or a command of `uvicorn` or `gunicorn`.
        server: the script in `tests/servers`, where it is neither of these that runs.
        settings: environment variables.
        instrumented: `False` for the same process without `opentelemetry-instrument`.
        port: where it listens; a free one if omitted.
    """

    def __init__(
        self,
        kind: str,
        server: str = "stdio_or_http.py",
        *,
        settings: Mapping[str, str] | None = None,
        instrumented: bool = True,
        port: int | None = None,
    ) -> None:
        self._kind = kind
        self._port = port or free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        program, *arguments = kind.split()
        if program in {"uvicorn", "gunicorn"}:
            address = ("--port", str(self._port)) if program == "uvicorn" else ("--bind", f"127.0.0.1:{self._port}")
            command = (str(Path(PYTHON).with_name(program)), *arguments, *address)
        else:
            command = (server, kind, str(self._port))
        super().__init__(*command, settings=settings, instrumented=instrumented)

    def __enter__(self) -> Self:
        try:
            self.wait_for_port(self._port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_for_workers(self, count: int) -> None:
        """Return when so many workers serve."""
        wait_until(lambda: sum("Application startup complete" in line for line in self.stderr.lines) >= count)

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool as a client that comes and goes; returns its result."""
        return anyio.run(self._call, tool, arguments)

    def client(self) -> Client:
        """Return a client that is not connected yet."""
        return Client(sse_client(f"{self.url}/sse") if self._kind == "sse" else f"{self.url}/mcp")

    async def _call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        with anyio.fail_after(PATIENCE):
            async with self.client() as client:
                return await client.call_tool(tool, arguments)
