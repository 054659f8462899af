"""Where a client's messages go: known when its transport is made, asked for when its connection is."""

from __future__ import annotations

from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation.transports import PIPE
from mcp_opentelemetry.operations.message import UNKNOWN_TRANSPORT, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from mcp_opentelemetry.instrumentation.patches import Patches

_HTTP = Transport("tcp", "http")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a client's connection.

    Args:
        transport: how messages travel to it.
        address: its host and port, over HTTP.
        source: the SDK's transport, which learns the session's id.
    """

    transport: Transport = UNKNOWN_TRANSPORT
    address: tuple[str, int] | None = None
    source: Any = None


NOWHERE = Peer()
_next: ContextVar[Peer] = ContextVar("mcp_opentelemetry_next_peer", default=NOWHERE)


def watch(patches: Patches) -> None:
    """Take note of each transport that a client opens, for the connection that is made of it next."""

    def http(wrapped: Callable[..., None], transport: Any, args: Any, kwargs: Any) -> None:
        wrapped(*args, **kwargs)
        _note(_HTTP, getattr(transport, "url", None), transport)

    patches.wrap("mcp.client.streamable_http", "StreamableHTTPTransport.__init__", http)
    patches.replace_everywhere("mcp.client.sse", "sse_client", lambda original: _noting(original, _HTTP))
    patches.replace_everywhere("mcp.client.stdio", "stdio_client", lambda original: _noting(original, PIPE))


def take() -> Peer:
    """Return the peer of the connection that is being made, once: the next one is another's."""
    peer = _next.get()
    _next.set(NOWHERE)
    return peer


def address_of(url: str) -> tuple[str, int] | None:
    """Return host and port of a URL."""
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    return (parts.hostname, port) if parts.hostname and port else None


def _noting(
    client: Callable[..., AbstractAsyncContextManager[Any]], transport: Transport
) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """Wrap a client's transport of the SDK, so that it is noted when it is entered."""

    @asynccontextmanager
    async def noting(*args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
        async with client(*args, **kwargs) as streams:
            _note(transport, args[0] if args else kwargs.get("url"))
            yield streams

    noting.__wrapped__ = client  # pyright: ignore[reportFunctionMemberAccess] (as functools.wraps does)
    return noting


@guarded
def _note(transport: Transport, url: object, source: Any = None) -> None:
    address = address_of(url) if isinstance(url, str) and transport.network == "tcp" else None
    _next.set(Peer(transport, address, source))
