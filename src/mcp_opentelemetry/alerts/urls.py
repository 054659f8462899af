"""Addresses of receivers: what may be shown of them, and what may not."""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from mcp_opentelemetry.redaction import REDACTED

# Of these we know which part is which; the host of anything else (`slack://token/...`) may be its secret.
_KNOWN: Final = re.compile(r"(?i)(?:(?:webhook|alertmanager)\+)?https?")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}")
# A word, or a version such as `v2`: no token is this short and this plain.
_PLAIN: Final = re.compile(r"[a-z]{0,12}|v\d")


class Address:
    """Where HTTP requests go.

    Args:
        url: `http://` or `https://`, maybe with a user and a password.

    Raises:
        ValueError: it is no such URL; the message quotes nothing of it.
    """

    def __init__(self, url: str) -> None:
        if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            raise ValueError("a URL has printable ASCII characters only; others are percent-encoded")
        parts = _split(url)
        if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("not an http:// or https:// URL with a host")
        user_info, _, host = parts.netloc.rpartition("@")
        self.target = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
        self.headers: dict[str, str] = {}
        if user_info:
            user, _, password = user_info.partition(":")
            credentials = f"{unquote(user)}:{unquote(password)}".encode()
            self.headers["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
        self._secrets = _any_of({*_secrets(parts), *self.headers.values()})

    def scrub(self, text: str) -> str:
        """Return a text, such as an error's, without the secrets of this address."""
        return self._secrets.sub(REDACTED, text) if self._secrets is not None else text


def redacted(url: str) -> str:
    """Return a URL as it may be shown: no user, no password, no query, and of the path only plain words."""
    scheme, separator, _ = url.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        return REDACTED
    parts = _split(url)
    if parts is None or not _KNOWN.fullmatch(scheme) or not parts.hostname:
        return f"{scheme}://{REDACTED}"
    _, user, host = parts.netloc.rpartition("@")
    path = "/".join(part if _PLAIN.fullmatch(part) else REDACTED for part in parts.path.split("/"))
    rest = f"?{REDACTED}" if parts.query or parts.fragment else ""
    return f"{scheme}://{REDACTED + '@' if user else ''}{host}{path}{rest}"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    # What the parser takes for a host, but no host is: a password with a slash in it cuts the URL there.
    return parts if re.fullmatch(r"[\w.-]*|[0-9A-Fa-f:.]+", parts.hostname or "") else None


def _secrets(parts: SplitResult) -> set[str]:
    found = {parts.username or "", parts.password or "", parts.query, parts.fragment}
    found |= {value for _, value in parse_qsl(parts.query)}
    found |= {part for part in parts.path.split("/") if not _PLAIN.fullmatch(part)}
    if any(not _PLAIN.fullmatch(part) for part in parts.path.split("/")):
        found.add(parts.path)
    return found | {unquote(secret) for secret in found}


def _any_of(secrets: set[str]) -> re.Pattern[str] | None:
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
