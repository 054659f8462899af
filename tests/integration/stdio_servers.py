"""Servers on stdio, as processes, spoken to in raw JSON-RPC."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import Self

from tests.integration.processes import Process

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROTOCOL: Final = "2025-06-18"

CONSOLES: Final = {
    "OTEL_TRACES_EXPORTER": "console",
    "OTEL_METRICS_EXPORTER": "console",
    "OTEL_LOGS_EXPORTER": "console",
}


class StdioServer(Process):
    """A server process with which the handshake is made once `with` is entered.

    Args:
        server: the script in `tests/servers`.
        settings: environment variables.
        how: further arguments of `Process`.
    """

    def __init__(
        self, server: str = "stdio_or_http.py", *, settings: Mapping[str, str] | None = None, **how: bool
    ) -> None:
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

    def footprint(self) -> dict[str, Any]:
        """Ask the process for its threads and sockets."""
        return json.loads(self.call("look_inside")["structuredContent"]["result"])

    def _send(self, message: Mapping[str, Any]) -> None:
        self.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.stdin.flush()


def assert_only_protocol(stdout: str, answers: int) -> None:
    messages = [json.loads(line) for line in stdout.splitlines()]
    assert all(message["jsonrpc"] == "2.0" for message in messages)
    assert [message["id"] for message in messages] == list(range(1, answers + 1))
    assert stdout.endswith("\n")
