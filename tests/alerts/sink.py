"""A real HTTP server that receives alerts and answers as it is told."""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, TypeAlias

from typing_extensions import Self

from mcp_opentelemetry.alerts.alert import Alert

Answer: TypeAlias = "int | tuple[int, dict[str, str], str] | Callable[[BaseHTTPRequestHandler], None]"


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: Any
    answered: int


@dataclass
class Sink:
    """What came, and what is answered next; 200 when nothing else is left to answer."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    gave_way: Event = field(default_factory=Event)

    def url(self, path: str = "", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def accepted(self) -> list[tuple[str, str]]:
        """Return name and status of each alert in what was answered with 200."""
        return [pair for received in self.received if received.answered == 200 for pair in _alerts(received.body)]

    def hang(self, _: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the end."""
        self.gave_way.wait(60)


def _alerts(body: Any) -> Iterator[tuple[str, str]]:
    for alert in body["alerts"] if isinstance(body, dict) else body:
        yield alert["labels"]["alertname"], alert.get("status", "")


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Reset the connection instead of answering."""
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()


@contextmanager
def listening(*answers: Answer, port: int = 0) -> Iterator[Sink]:
    """Run a sink on a port of loopback; any free one if none is given."""
    sink = Sink(answers=deque(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = sink.answers.popleft() if sink.answers else 200
            status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, "")
            answered = status if isinstance(status, int) else 0
            sink.received.append(Received(self.path, dict(self.headers), body, answered))
            if callable(status):
                self.close_connection = True
                status(self)
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # or a burst of connections waits for TCP to try again

        def handle_error(self, *_: object) -> None:
            """A client that left is no news."""

    server = Server(("127.0.0.1", port), Handler)
    sink.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        sink.gave_way.set()
        server.shutdown()
        server.server_close()
        with suppress(RuntimeError):
            thread.join(5)


@dataclass
class Time:
    """A clock that goes when it is told to, and chance that always takes the whole span."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> Self:
        self.now += seconds
        return self


def firing(name: str = "Slow", at: float = 1_000.0, **labels: str) -> Alert:
    """Return an alert that fires since a moment."""
    labels = {"alertname": name, "severity": "warning", **labels}
    return Alert(labels, {"summary": f"{name} it is"}, "firing", 1.5, at - 60, at, None, "up == 0")


def resolved(name: str = "Slow", at: float = 1_000.0, until: float = 1_100.0, **labels: str) -> Alert:
    """Return an alert that fired since a moment, until another."""
    labels = {"alertname": name, "severity": "warning", **labels}
    return Alert(labels, {"summary": f"{name} it is"}, "resolved", 1.5, at - 60, at, until, "up == 0")
