"""Who may read what: health to everybody, numbers to this machine, a token's bearer or a named network."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_opentelemetry.config import Settings

_PROXY_HEADERS: Final = frozenset({"forwarded", "x-real-ip", "via"})
_BEARER: Final = "bearer "
_BASIC: Final = "basic "


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away, and which setting would let it in."""

    status: int
    reason: str

    @property
    def challenges(self) -> tuple[str, ...]:
        """The ways to prove who one is, each for a header of its own: Chromium reads only the first of a list."""
        # A browser cannot send a bearer token by itself, but asks for a password.
        schemes = ('Bearer realm="mcp-opentelemetry"', 'Basic realm="mcp-opentelemetry: the token as password"')
        return schemes if self.status == 401 else ()  # noqa: PLR2004 (HTTP: unauthorized)


_WRONG_TOKEN: Final = Refusal(401, "wrong bearer token: it must be the one in OTEL_PYTHON_MCP_HTTP_TOKEN")
_NO_TOKEN: Final = Refusal(
    401,
    "send the token in OTEL_PYTHON_MCP_HTTP_TOKEN as 'Authorization: Bearer', or name your network in "
    "OTEL_PYTHON_MCP_HTTP_ALLOW",
)
_FOREIGN_HOST: Final = Refusal(
    421, "the Host header names another machine: ask for localhost, or set OTEL_PYTHON_MCP_HTTP_TOKEN and send it"
)
_NOT_ALLOWED: Final = Refusal(
    403,
    "only clients on this machine may read this: set OTEL_PYTHON_MCP_HTTP_TOKEN, or name your network in "
    "OTEL_PYTHON_MCP_HTTP_ALLOW",
)


def refusal(client: str | None, headers: Mapping[str, str], settings: Settings) -> Refusal | None:
    """Return why a request may not read numbers and details; `None` if it may.

    Args:
        client: the peer's address; `None` where the server does not know it, as on a Unix socket.
        headers: the request's headers, with names in lower case.
        settings: who is let in.
    """
    authorization = headers.get("authorization", "")
    if settings.token is not None and _is_equal(_password_in(authorization), settings.token):
        return None
    if settings.token is not None and authorization.lower().startswith(_BEARER):
        given = authorization[len(_BEARER) :].strip()
        return None if _is_equal(given, settings.token) else _WRONG_TOKEN
    if _is_in(client, settings):
        return None
    # What came through a proxy is never local, even if the server has put the first client's address in its place.
    is_local = _is_loopback(client) and not any(_is_proxys(name) for name in headers)
    if is_local and _is_loopback(_host_name(headers.get("host", ""))):
        return None
    if is_local:
        return _FOREIGN_HOST
    return _NOT_ALLOWED if settings.token is None else _NO_TOKEN


def _is_equal(given: str, token: str) -> bool:
    # Compared as bytes: text beyond ASCII is refused by compare_digest.
    return compare_digest(given.encode(), token.encode())


def _password_in(authorization: str) -> str:
    """Return the password that a browser's user has given."""
    if not authorization.lower().startswith(_BASIC):
        return ""
    try:
        return b64decode(authorization[len(_BASIC) :], validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _is_in(client: str | None, settings: Settings) -> bool:
    try:
        address = ip_address(client or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any(candidate in network for network in settings.http_allow for candidate in (address, mapped) if candidate)


def _is_loopback(name: str | None) -> bool:
    if name == "localhost":
        return True
    try:
        address = ip_address(name or "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _host_name(host: str) -> str:
    """Return the host of a Host header without its port; `[::1]:8000` is an IPv6 address."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _is_proxys(header: str) -> bool:
    return header in _PROXY_HEADERS or header.startswith("x-forwarded-")
