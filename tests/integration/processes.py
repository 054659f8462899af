"""Server processes under the real `opentelemetry-instrument` command: start them, talk to them, stop them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from threading import Condition, Thread
from typing import IO, Any, Final, TypeVar
from urllib.parse import urlsplit

from typing_extensions import Self

T = TypeVar("T")

SERVERS: Final = Path(__file__).parents[1] / "servers"
INSTRUMENT: Final = str(Path(sys.executable).with_name("opentelemetry-instrument"))
PATIENCE: Final = 60.0  # seconds until a test gives up on something that takes one: a busy machine fails no test
_PROTOCOL: Final = "2025-06-18"


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment, with these settings as the only ones of OpenTelemetry."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")} | dict(settings)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def is_listening(port: int) -> bool:
    """Return whether anybody answers on a port of loopback."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def get(url: str) -> tuple[int, str]:
    """Ask for a URL of loopback; returns the status and the body."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path)
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

        def look() -> bool:
            found.extend(hit for line in self.lines if (hit := find(line)) is not None)
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

    def __init__(
        self, *command: str, settings: Mapping[str, str] | None = None, instrumented: bool = True
    ) -> None:
        words: Sequence[str] = command if os.path.isabs(command[0]) else (sys.executable, *command)
        self._process = subprocess.Popen(
            [INSTRUMENT, *words] if instrumented else words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=SERVERS,
            env=environment(settings or {}),
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
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream
            stream.close()

    def wait_for_port(self, port: int) -> None:
        """Return when the process answers on a port."""
        deadline = time.monotonic() + PATIENCE
        while not is_listening(port):
            assert self._process.poll() is None, f"ended with {self._process.returncode}: {self.stderr.text()}"
            assert time.monotonic() < deadline, f"port {port} does not answer: {self.stderr.lines}"
            time.sleep(0.02)

    def close_stdin(self) -> Ended:
        """End a stdio server as its client does, and wait for it."""
        start = time.monotonic()
        self.stdin.close()
        return self._wait(start)

    def send_signal(self, signum: signal.Signals) -> Ended:
        """Send a signal that ends the process, and wait for it."""
        start = time.monotonic()
        self._process.send_signal(signum)
        return self._wait(start)

    def _wait(self, start: float) -> Ended:
        returncode = self._process.wait(PATIENCE)
        seconds = time.monotonic() - start
        return Ended(returncode, self.stdout.text(), self.stderr.text(), seconds)


class StdioServer(Process):
    """A process that is spoken to in raw JSON-RPC on its standard streams."""

    def __init__(self, server: str = "stdio_or_http.py", *, settings: Mapping[str, str] | None = None, **how: bool) -> None:
        super().__init__(server, "stdio", settings=settings, **how)
        self._ids = count(1)

    def __enter__(self) -> Self:
        try:
            client = {"name": "test", "version": "1"}
            self.request("initialize", {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": client})
            self._send({"method": "notifications/initialized"})
        except BaseException:
            self.__exit__()
            raise
        return self

    def request(self, method: str, params: Mapping[str, Any]) -> Any:
        """Send a request and wait for its answer, an error or a result."""
        request_id = next(self._ids)
        self._send({"id": request_id, "method": method, "params": params})

        def answer(line: str) -> Any:
            message = json.loads(line)
            return message if message.get("id") == request_id and "method" not in message else None

        return self.stdout.wait_for(answer)

    def call(self, tool: str, **arguments: Any) -> Any:
        """Call a tool; returns its result."""
        return self.request("tools/call", {"name": tool, "arguments": arguments})["result"]

    def _send(self, message: Mapping[str, Any]) -> None:
        self.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.stdin.flush()
