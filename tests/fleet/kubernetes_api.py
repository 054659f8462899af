"""A STUB of the Kubernetes API that knows pods, lists them and has no news of them afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

_END: Final = {"metadata": {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}}


def _event(kind: str, pod: Any) -> str:
    return json.dumps({"type": kind, "object": {"apiVersion": "v1", "kind": "Pod", **pod}}) + "\n"


@contextmanager
def pods_of(pods: Sequence[Any]) -> Iterator[str]:
    """Run the stub; returns its URL."""
    is_over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = parse_qs(parts.query)
            found = [*pods] if parts.path == "/api/v1/pods" else []
            if "watch" not in asked:
                body = {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": found}
                self._answer(json.dumps(body))
                return
            # New clients have the list told as news; a bookmark ends it.
            events = [_event("ADDED", pod) for pod in found] + [_event("BOOKMARK", _END)]
            self._answer("".join(events) if "sendInitialEvents" in asked else "")
            is_over.wait(60)

        def _answer(self, body: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())
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
