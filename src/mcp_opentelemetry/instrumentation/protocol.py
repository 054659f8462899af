"""Which methods and versions MCP has, as the installed mcp 2.x knows them."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any, NamedTuple

from mcp_opentelemetry.operations.semconv import OTHER


class _Protocol(NamedTuple):
    requests: frozenset[str]
    notifications: frozenset[str]
    versions: frozenset[str]
    modern_versions: frozenset[str]


def bounded_method(server: Any, method: str, *, is_request: bool) -> str:
    """Return a method's name if it is one of MCP's or the server has a handler for it, else `_OTHER`."""
    protocol = _protocol()
    if method in (protocol.requests if is_request else protocol.notifications):
        return method
    if server is None:
        return OTHER
    handler = server.get_request_handler(method) if is_request else server.get_notification_handler(method)
    return OTHER if handler is None else method


def known_version(version: object) -> str | None:
    """Return a protocol version if it has been published, else `None`: in process a client may claim any."""
    return version if isinstance(version, str) and version in _protocol().versions else None


def is_modern(version: object) -> bool:
    """Return whether a version has no handshake and no sessions (MCP 2026-07-28 and later)."""
    return version in _protocol().modern_versions


@cache
def _protocol() -> _Protocol:
    # Only called for a message that mcp hands us, so the host has imported both.
    methods: Any = sys.modules["mcp_types.methods"]
    versions: Any = sys.modules["mcp_types.version"]
    return _Protocol(
        frozenset(methods.SPEC_CLIENT_METHODS),
        frozenset(methods.SPEC_CLIENT_NOTIFICATION_METHODS),
        frozenset(versions.KNOWN_PROTOCOL_VERSIONS),
        frozenset(versions.MODERN_PROTOCOL_VERSIONS),
    )
