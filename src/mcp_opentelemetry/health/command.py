"""`mcp-opentelemetry health`: ask a server for its health; the exit code is what Docker's `HEALTHCHECK` reads."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from mcp_opentelemetry.config import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PORT_OF_MCP: Final = 8000  # where the SDKs serve HTTP if nobody says otherwise
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (read, not bound)


def main(arguments: Sequence[str]) -> int:
    """Print how the server is; returns 0 if it is healthy or degraded, 1 if not or if nobody answers."""
    parser = ArgumentParser(prog="mcp-opentelemetry health", description=__doc__)
    parser.add_argument(
        "url",
        nargs="?",
        help="what to ask; by default /health at OTEL_PYTHON_MCP_HTTP_HOST and _PORT, else port 8000 of this machine",
    )
    parser.add_argument("--timeout", type=float, default=3.0, help="seconds to wait for the answer (3)")
    options = parser.parse_args(arguments)
    settings = Settings.from_mapping(os.environ)
    url: str = options.url or default_url(settings)
    try:
        status, report = _ask(url, settings.token, options.timeout)
    except (OSError, ValueError, HTTPException) as error:
        print(f"{url}: no answer ({type(error).__name__}: {error})")
        return 1
    print(describe(status, report))
    return 0 if status == 200 else 1  # noqa: PLR2004 (HTTP: OK)


def default_url(settings: Settings) -> str:
    """Return where a server with these settings answers; port 0 is known to the server alone."""
    if not settings.http_port:
        return f"http://127.0.0.1:{_PORT_OF_MCP}/health"
    host = _EVERYWHERE.get(settings.http_host, settings.http_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}/health"


def describe(status: int, report: Mapping[str, Any]) -> str:
    """Return an answer in one line: the status, and what is wrong where the answer tells.

    Args:
        status: the HTTP status.
        report: the answer's JSON.
    """
    word = report.get("status", f"HTTP {status}")
    checks: object = report.get("checks")
    if isinstance(checks, list):  # of /readyz
        wrong = [str(name) for name in cast("list[object]", checks)]
    elif isinstance(checks, dict):
        wrong = [_describe_check(name, check) for name, check in cast("dict[str, Any]", checks).items()]
    else:  # of somebody else's /health
        wrong = []
    named = "; ".join(text for text in wrong if text)
    return f"{word}: {named}" if named else str(word)


def _describe_check(name: str, check: object) -> str:
    known = cast("dict[str, object]", check) if isinstance(check, dict) else {"status": check}
    status, error = known.get("status"), known.get("error")
    if status == "healthy":
        return ""
    return f"{name} {status}" + (f" ({error})" if error else "")


def _ask(url: str, token: str | None, timeout: float) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(url if "//" in url else f"http://{url}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("allowed: an http or https URL")
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(parts.hostname, parts.port, timeout=timeout)
    try:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        path = (parts.path or "/health") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    try:
        report: object = json.loads(body)
    except ValueError:
        report = None  # another server's plain "ok" is an answer too
    return response.status, cast("dict[str, Any]", report) if isinstance(report, dict) else {}
