"""A STUB of the Kubernetes API that knows pods, lists them and never has news of them: Prometheus discovers them there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@contextmanager
def pods_of(pods: Sequence[Any]) -> Iterator[str]:
    """Run the stub; returns its URL."""
    is_over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if "watch" in parse_qs(parts.query):
                self._answer(b"")
                is_over.wait(60)
                return
            kind, items = ("PodList", pods) if parts.path == "/api/v1/pods" else ("List", [])
            body = {"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": "1"}, "items": items}
            self._answer(json.dumps(body).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that left is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        is_over.set()
        server.shutdown()
        server.server_close()
