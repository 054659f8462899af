"""Server processes under the real `opentelemetry-instrument` command: start them, talk to them, stop them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Condition, Thread
from typing import IO, TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from typing_extensions import Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

SERVERS: Final = Path(__file__).parents[1] / "servers"
PYTHON: Final = sys.executable
INSTRUMENT: Final = str(Path(PYTHON).with_name("opentelemetry-instrument"))
ANNOUNCEMENT: Final = re.compile(r"mcp-opentelemetry: (http://127\.0\.0\.1:\d+)/metrics")
PATIENCE: Final = 60.0  # seconds until a test gives up on something that takes one: a busy machine fails no test


# What the machine has left of memory, disk and processors is no test's subject, nor how fast it is.
ON_ANY_MACHINE: Final = {
    "OTEL_PYTHON_MCP_HEALTH_MEMORY_LIMIT": "2",
    "OTEL_PYTHON_MCP_HEALTH_CPU_LIMIT": "2",
    "OTEL_PYTHON_MCP_HEALTH_DISK_LIMIT": "2",
    "OTEL_PYTHON_MCP_EXIT_TIMEOUT": str(PATIENCE),
}


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment, with these settings as the only ones of OpenTelemetry that matter to a test.

    Other instrumentors that are installed for other tests stay out: the logging one has news of its own at exit.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return {**clean, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "fastapi,logging,mcp", **ON_ANY_MACHINE, **settings}


def free_port() -> int:
    """Return a port of loopback that nobody listens on, and that nobody gets who asks for any free one."""
    sock = socket.socket()
    # It may be listened on beside this socket, which never listens, by all who set the same: servers do.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    port: int = sock.getsockname()[1]
    if sys.platform == "linux":
        # Kept to the end of this process: let go, it may be another one's before a server has come up.
        sock.detach()
    else:  # where one socket more may not have it
        sock.close()
    return port


def is_listening(port: int) -> bool:
    """Return whether anybody answers on a port of loopback."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return when something has become so, by asking again and again."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"never came true: {is_so}"
        time.sleep(0.02)


def report(what: str, seconds: float) -> None:
    """Print a figure, for `pytest -rP` and for failures."""
    print(f"{what}: {seconds:.2f} s")


def get(url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Ask for a URL of loopback; returns the status and the body."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        connection.request(method, parts._replace(scheme="", netloc="").geturl(), headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


class Output:
    """Every line of a stream, as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self.lines: list[str] = []
        self._ended = False
        self._news = Condition()
        self._thread = Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def wait_for(self, find: Callable[[str], T | None]) -> T:
        """Return the first thing that `find` finds in a line."""
        found: list[T] = []
        seen = 0

        def look() -> bool:
            nonlocal seen
            found.extend(hit for line in self.lines[seen:] if (hit := find(line)) is not None)
            seen = len(self.lines)
            return bool(found) or self._ended

        with self._news:
            self._news.wait_for(look, PATIENCE)
        assert found, f"it never came: {self.lines}"
        return found[0]

    def text(self) -> str:
        """Return everything, once the process has ended."""
        self._thread.join(PATIENCE)
        return "".join(self.lines)

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


@dataclass(frozen=True)
class Ended:
    """What a process has left; `seconds` is how long it took to end."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float


class Process:
    """A Python process with OpenTelemetry's auto-instrumentation; at the end of `with` it is gone.

    Args:
        command: the script in `tests/servers` and its arguments; or the path of another program and its own.
        settings: environment variables.
        instrumented: `False` for the same process without the command in front.
    """

    def __init__(self, *command: str, settings: Mapping[str, str] | None = None, instrumented: bool = True) -> None:
        words: Sequence[str] = command if Path(command[0]).is_absolute() else (PYTHON, *command)
        self._process = subprocess.Popen(
            [INSTRUMENT, *words] if instrumented else words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=SERVERS,
            env=environment(settings or {}),
            start_new_session=True,  # with its workers it makes one group, to be ended together
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self.pid = self._process.pid
        self.stdin = self._process.stdin
        self.stdout = Output(self._process.stdout)
        self.stderr = Output(self._process.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        for output in (self.stdout, self.stderr):
            output.text()
        for stream in (self.stdin, self._process.stdout, self._process.stderr):
            assert stream
            stream.close()

    def wait_for_port(self, port: int) -> None:
        """Return when the process answers on a port."""

        def answers() -> bool:
            assert self._process.poll() is None, f"ended with {self._process.returncode}: {self.stderr.text()}"
            return is_listening(port)

        wait_until(answers)

    def announced_url(self) -> str:
        """Return where the process says that its own port is."""
        return self.stderr.wait_for(ANNOUNCEMENT.match)[1]

    def has_ended(self) -> bool:
        """Return whether the process has ended."""
        return self._process.poll() is not None

    def close_stdin(self) -> Ended:
        """End a stdio server as its client does, and wait for it."""
        start = time.monotonic()
        self.stdin.close()
        return self.wait(start)

    def send_signal(self, signum: signal.Signals) -> Ended:
        """Send a signal that ends the process, and wait for it."""
        start = time.monotonic()
        self._process.send_signal(signum)
        return self.wait(start)

    def wait(self, start: float | None = None) -> Ended:
        """Wait for the end that something has caused already."""
        start = start or time.monotonic()
        returncode = self._process.wait(PATIENCE)
        seconds = time.monotonic() - start
        return Ended(returncode, self.stdout.text(), self.stderr.text(), seconds)
