"""`mcp-opentelemetry health`, as Docker runs it: what it says matters less than its exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.health.command import default_url, describe
from tests.integration.holds import HELD, SECRET, Holds, comes_to, probe
from tests.integration.http_servers import HttpServer
from tests.integration.processes import environment, free_port, wait_until
from tests.integration.stdio_servers import StdioServer

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMAND = str(Path(sys.executable).with_name("mcp-opentelemetry"))
_TOKEN = {"OTEL_PYTHON_MCP_HTTP_TOKEN": "s3cret"}


def _run(*arguments: str, **settings: str) -> tuple[int, str]:
    """Run the command; returns its exit code and what it prints."""
    done = subprocess.run(
        [_COMMAND, "health", "--timeout", "60", *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.strip()


@pytest.fixture
def holds(tmp_path: Path) -> Holds:
    return Holds(tmp_path)


@pytest.fixture
def server(holds: Holds, request: pytest.FixtureRequest) -> Iterator[HttpServer]:
    settings = holds.settings | {"CHECKS": getattr(request, "param", "database")}
    with HttpServer("streamable-http", HELD, settings=settings) as server:
        comes_to(f"{server.url}/health", 200, "healthy")
        yield server


def test_healthy_and_degraded_server_are_0(server: HttpServer, holds: Holds) -> None:
    assert _run(f"{server.url}/health") == (0, "healthy")
    assert _run(server.url) == (0, "healthy")
    assert _run(server.url.removeprefix("http://")) == (0, "healthy")
    holds.hold("database")
    comes_to(f"{server.url}/health", 200, "degraded")
    code, said = _run(f"{server.url}/health")
    assert (code, said) == (0, "degraded: database degraded (ConnectionError)")


@pytest.mark.parametrize("server", ["store"], indirect=True)
def test_unhealthy_server_is_1_and_each_probe_can_be_asked(server: HttpServer, holds: Holds) -> None:
    assert _run(f"{server.url}/readyz") == (0, "ok")
    holds.hold("database")
    comes_to(f"{server.url}/health", 503, "unhealthy")
    code, said = _run(f"{server.url}/health")
    assert (code, said) == (1, "unhealthy: store unhealthy (ConnectionError)")
    assert SECRET not in said
    assert _run(f"{server.url}/readyz") == (1, "unhealthy: store")
    assert _run(f"{server.url}/livez") == (0, "ok")


def test_nobody_is_1() -> None:
    port = free_port()
    code, said = _run(f"http://127.0.0.1:{port}/health")
    assert code == 1
    assert said.startswith(f"http://127.0.0.1:{port}/health: no answer (ConnectionRefusedError")


@pytest.mark.parametrize("url", ["ftp://localhost/health", "http://", "http://localhost:port/health", "file:///etc"])
def test_what_is_no_url_is_1(url: str) -> None:
    code, said = _run(url)
    assert code == 1
    assert said.startswith(f"{url}: ")


def test_answer_that_is_not_ours_is_1_or_what_its_status_says(server: HttpServer) -> None:
    assert _run(f"{server.url}/nowhere")[0] == 1
    code, said = _run(f"{server.url}/mine/health")
    assert (code, said) == (0, "HTTP 200"), "a route of the user's own answers as it likes"


def test_stdio_server_is_found_by_its_port_and_token(holds: Holds) -> None:
    where = {"OTEL_PYTHON_MCP_HTTP_PORT": str(free_port()), **_TOKEN}
    holds.hold("database")
    with StdioServer(HELD, settings=holds.settings | where | {"CHECKS": "database"}) as server:
        url = f"{server.announced_url()}/health"
        # Without a result it is degraded, too.
        bearer = {"authorization": f"Bearer {_TOKEN['OTEL_PYTHON_MCP_HTTP_TOKEN']}"}
        wait_until(lambda: probe(url, **bearer)[1]["checks"]["database"]["error"] == "ConnectionError")
        assert _run(**where) == (0, "degraded: database degraded (ConnectionError)")
        assert _run(**where | {"OTEL_PYTHON_MCP_HTTP_TOKEN": "wrong"}) == (0, "degraded")
        server.close_stdin()
    assert _run(**where)[0] == 1


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "http://127.0.0.1:8000/health"),
        ({"HTTP_PORT": "0"}, "http://127.0.0.1:8000/health"),
        ({"HTTP_PORT": "9000"}, "http://127.0.0.1:9000/health"),
        ({"HTTP_PORT": "9000", "HTTP_HOST": "0.0.0.0"}, "http://127.0.0.1:9000/health"),
        ({"HTTP_PORT": "9000", "HTTP_HOST": "::"}, "http://[::1]:9000/health"),
        ({"HTTP_PORT": "9000", "HTTP_HOST": "::1"}, "http://[::1]:9000/health"),
        ({"HTTP_PORT": "9000", "HTTP_HOST": "mcp.internal"}, "http://mcp.internal:9000/health"),
    ],
)
def test_default_is_where_the_settings_say(environ: dict[str, str], url: str) -> None:
    settings = Settings.from_mapping({f"OTEL_PYTHON_MCP_{name}": value for name, value in environ.items()})
    assert default_url(settings) == url


def test_answer_is_one_line() -> None:
    assert describe(200, {"status": "healthy", "checks": {"memory": {"status": "healthy"}}}) == "healthy"
    assert describe(404, {}) == "HTTP 404"
    assert describe(200, {"status": "healthy", "checks": "none"}) == "healthy"
