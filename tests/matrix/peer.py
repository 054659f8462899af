"""One side of a call between two versions: `serve`, or `call URL`; prints its spans as JSON at the end."""

from __future__ import annotations

import json
import logging
import sys

import anyio
from anyio import to_thread

from tests.http_server import served
from tests.matrix import sdk
from tests.telemetry import Telemetry


def _print_spans(telemetry: Telemetry) -> None:
    spans = [
        {
            "name": span.name,
            "kind": span.kind.name,
            "trace": f"{span.get_span_context().trace_id:032x}",
            "id": f"{span.get_span_context().span_id:016x}",
            "parent": f"{span.parent.span_id:016x}" if span.parent else "",
        }
        for span in telemetry.all_spans()
    ]
    print(json.dumps(spans))


async def _main(command: str, *arguments: str) -> None:
    telemetry = Telemetry()
    with telemetry.instrumented(client=True):
        if command == "serve":
            async with served(sdk.make_http_app(sdk.make_server())) as url:
                print(f"{url}/mcp", flush=True)
                await to_thread.run_sync(sys.stdin.readline)
        else:
            async with sdk.connect(None, *arguments) as client:
                await client.call_tool("add", {"a": 1, "b": 2})
    _print_spans(telemetry)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    anyio.run(_main, *sys.argv[1:])
