"""Which methods and versions MCP has: anything else that a peer names is `_OTHER` or nothing."""

from __future__ import annotations

from typing import Any, Final

from mcp_opentelemetry.operations.semconv import METHODS, OTHER

_SESSION_VERSIONS: Final = frozenset({"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"})
# A constant of ours, because the SDKs have several for it, in several places; a test compares.
_VERSIONS: Final = _SESSION_VERSIONS | {"2026-07-28"}


def bounded_method(method: str, server: Any = None, *, is_request: bool = True) -> str:
    """Return a method's name if it is one of MCP's or the server has a handler for it, else `_OTHER`.

    Args:
        method: the name, as sent.
        server: a low-level server of mcp 2.x; `None` where there is none.
        is_request: whether it is a request's name, and not a notification's.
    """
    if method in METHODS:
        return method
    if server is None:
        return OTHER
    handler = server.get_request_handler(method) if is_request else server.get_notification_handler(method)
    return OTHER if handler is None else method


def known_version(version: object) -> str | None:
    """Return a protocol version if it has been published, else `None`: in process a client may claim any."""
    return version if isinstance(version, str) and version in _VERSIONS else None


def is_modern(version: object) -> bool:
    """Return whether a version has no handshake and no sessions (MCP 2026-07-28 and later)."""
    return version not in _SESSION_VERSIONS
