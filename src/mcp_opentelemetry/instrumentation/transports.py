"""How a message of mcp 2.x travelled, from what the SDK still knows when a handler runs."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from mcp_opentelemetry.operations.message import UNKNOWN_TRANSPORT, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

PIPE = Transport("pipe")
_DIRECT = "direct"  # the SDK's name for a client and a server in one process
_on_stdio: ContextVar[bool] = ContextVar("mcp_opentelemetry_on_stdio", default=False)
_http: dict[str, Transport] = {}


@dataclass(slots=True)
class HttpFacts:
    """What one HTTP request tells of its message; `announced` is the method that its header names."""

    transport: Transport
    client: tuple[str, int] | None = None
    announced: str | None = None
    session_id: str | None = None
    sse_session_id: str | None = None


def of_http(scope: Mapping[str, Any]) -> HttpFacts:
    """Read an ASGI scope."""
    facts = HttpFacts(_over_http(str(scope.get("http_version", "1.1"))))
    client = scope.get("client")
    if client:
        facts.client = (client[0], client[1])
    for name, value in scope["headers"]:
        if name == b"mcp-method":
            facts.announced = value.decode("latin-1")
            return facts  # of a protocol without sessions
        if name == b"mcp-session-id":
            facts.session_id = value.decode("latin-1")
    if b"session_id=" in (query := scope.get("query_string", b"")):
        # An SSE client posts to the address that it was given at the start, with its session in the query.
        facts.sse_session_id = parse_qs(query.decode("latin-1"))["session_id"][0]
    return facts


def without_http(outbound: Any) -> Transport:
    """Return how a message without an HTTP request came in.

    Args:
        outbound: the SDK's dispatch context of the message (of mcp's type; mcp is never imported by us).
    """
    if not _on_stdio.get():
        return UNKNOWN_TRANSPORT
    # A tool of a stdio server that calls another server in its own process inherits the mark.
    kind = getattr(getattr(getattr(outbound, "_inner", outbound), "transport", None), "kind", None)
    return UNKNOWN_TRANSPORT if kind == _DIRECT else PIPE


def is_on_stdio() -> bool:
    """Return whether the caller serves on the standard streams."""
    return _on_stdio.get()


def take_stdio() -> bool:
    """Return whether the session that is being made reads standard input, once: one made inside it does not."""
    on_stdio = _on_stdio.get()
    _on_stdio.set(False)
    return on_stdio


def marking_stdio(
    stdio_server: Callable[..., AbstractAsyncContextManager[Any]], entered: Callable[[], Callable[[], None] | None]
) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """Wrap `mcp.server.stdio.stdio_server` so that messages read by it are known as such.

    Args:
        stdio_server: the original.
        entered: called when the process starts to serve on its standard streams; what it returns, when it stops.
    """

    @asynccontextmanager
    async def marked(*args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
        left = entered()
        # The reader task inherits the mark, and each message its reader's context.
        token = _on_stdio.set(True)
        try:
            async with stdio_server(*args, **kwargs) as streams:
                yield streams
        finally:
            with suppress(ValueError):  # left in another context than entered: that one is going away
                _on_stdio.reset(token)
            if left is not None:
                left()

    marked.__wrapped__ = stdio_server  # pyright: ignore[reportFunctionMemberAccess] (as functools.wraps does)
    return marked


def _over_http(version: str) -> Transport:
    if version not in _http:
        _http[version] = Transport("quic" if version == "3" else "tcp", "http", version)
    return _http[version]
