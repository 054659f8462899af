"""One POST: bounded in time and size, TLS verified, redirects not followed, nothing secret in an error."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from time import time
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.error import URLError
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from mcp_opentelemetry.alerts.receivers.receiver import RejectedError, UnavailableError
from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_opentelemetry.alerts.urls import Address

_AGENT: Final = f"mcp-opentelemetry/{__version__}"
_READ: Final = 2048  # bytes of an answer: enough to say what is wrong
_SHOWN: Final = 200  # characters of it
_TRY_AGAIN: Final = frozenset({408, 429})
_LONGEST_REST: Final = 3600.0  # seconds: whatever a receiver asks for


def post(address: Address, body: bytes, *, headers: Mapping[str, str], timeout: float) -> None:
    """Post some JSON.

    Args:
        address: where to.
        body: the JSON.
        headers: further ones.
        timeout: seconds for all of it.

    Raises:
        UnavailableError: 5xx, 408, 429, or no answer in time.
        RejectedError: any other answer that is not 2xx.
    """
    fields = {"Content-Type": "application/json", "User-Agent": _AGENT, **address.headers, **headers}
    request = Request(address.target, body, fields, method="POST")  # noqa: S310 (an Address is http or https)
    watch = _Watch(timeout)
    try:
        with watch, _opener(watch).open(request, timeout=timeout) as answer:
            status, text = answer.status, answer.read1(_READ).decode("utf-8", "replace")
            retry_after = _seconds(answer.headers.get("Retry-After"))
        if watch.is_over:  # headers that are cut off look like whole ones
            raise TimeoutError
    except (OSError, HTTPException, ValueError) as error:
        # Of the two clocks, the socket's own may be the first to see that the time is over.
        is_over = watch.is_over or isinstance(_cause(error), TimeoutError)
        reason = f"no answer within {timeout:g} s" if is_over else address.scrub(_reason(error))
        raise UnavailableError(reason) from None
    if not 200 <= status < 300:  # noqa: PLR2004 (HTTP: success)
        # Scrubbed before it is cut: half a secret would no longer be known for one.
        said = " ".join(address.scrub(text).split())[:_SHOWN]
        reason = f"HTTP {status}{': ' + said if said else ''}"
        if status >= 500 or status in _TRY_AGAIN:  # noqa: PLR2004 (HTTP: the server's fault)
            raise UnavailableError(reason, retry_after)
        raise RejectedError(f"{reason} (redirects are not followed)" if 300 <= status < 400 else reason)  # noqa: PLR2004


class _Watch:
    """Ends a request when its time is over: a socket's own timeout starts anew with every byte."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._socket: socket.socket | None = None
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def connection(self, kind: type[HTTPConnection], host: str, **options: Any) -> HTTPConnection:
        """Return a connection that is under watch."""
        connection = kind(host, **options)
        connect = connection.connect

        def connect_under_watch() -> None:
            connect()
            self._socket = cast("socket.socket", connection.sock)
            if self.is_over:
                raise TimeoutError

        connection.connect = connect_under_watch
        return connection

    def _cut(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):
                # Not the method of a TLS socket: that one forgets its state under the reader's hands.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Handler(HTTPSHandler):
    """Both schemes, under one watch."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    http_request = HTTPHandler.http_request

    def http_open(self, req: Request) -> HTTPResponse:
        return self._open(req, HTTPConnection)

    def https_open(self, req: Request) -> HTTPResponse:
        return self._open(req, HTTPSConnection, context=_tls())

    def _open(self, req: Request, kind: type[HTTPConnection], **options: Any) -> HTTPResponse:
        return self.do_open(partial(self._watch.connection, kind), req, **options)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _opener(watch: _Watch) -> OpenerDirector:
    """Proxies as everywhere, and nothing else: what follows redirects or raises for a status is left out."""
    opener = OpenerDirector()
    opener.add_handler(ProxyHandler())
    opener.add_handler(_Handler(watch))
    return opener


def _reason(error: Exception) -> str:
    cause = _cause(error)
    return f"{type(cause).__name__}: {cause}" if isinstance(cause, Exception) else str(cause)


def _cause(error: Exception) -> object:
    return error.reason if isinstance(error, URLError) else error


def _seconds(retry_after: str | None) -> float | None:
    """Return what a `Retry-After` asks for, in seconds; it is a number or a date."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        seconds = (aware - datetime.fromtimestamp(time(), timezone.utc)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_REST) if seconds == seconds else None  # noqa: PLR0124 (NaN)
