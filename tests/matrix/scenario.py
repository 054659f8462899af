"""Run the scenario on the SDK that is installed, in memory and over HTTP, and print what was recorded as JSON."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import anyio

from mcp_opentelemetry.instrumentation.upstream import PRIVATE_NAMES
from tests.http_server import served
from tests.matrix import sdk
from tests.telemetry import Telemetry, attributes


def _spans(telemetry: Telemetry, spans: Any) -> list[list[Any]]:
    rows = [
        [
            span.name,
            span.status.status_code.name,
            attributes(span).get("error.type"),
            sorted({str(event.attributes["exception.type"]).rpartition(".")[2] for event in span.events}),
        ]
        for span in spans
        if not span.name.startswith(("notifications/", "initialize", "server/discover", "tools/list"))
    ]
    return sorted(rows, key=json.dumps)


async def _run(transport: str) -> dict[str, Any]:
    telemetry = Telemetry()
    with telemetry.instrumented(client=True):
        server = sdk.make_server()
        if transport == "memory":
            async with sdk.connect(server, None) as client:
                await sdk.use(client)
        else:
            async with served(sdk.make_http_app(server)) as url, sdk.connect(server, f"{url}/mcp") as client:
                await sdk.use(client)
    spans = telemetry.all_spans()
    handled, sent = telemetry.spans(), telemetry.sent()
    parents = {span.get_span_context().span_id for span in sent}
    return {
        "handled": _spans(telemetry, handled),
        "sent": _spans(telemetry, sent),
        "foreign": sorted({str(span.instrumentation_scope.name) for span in spans} - {"mcp_opentelemetry"}),
        "orphans": sorted(
            {span.name for span in handled if span.parent is None or span.parent.span_id not in parents}
            - {"notifications/initialized", "notifications/cancelled", "notifications/roots/list_changed"}
        ),
        "leaks": sorted({span.name for span in spans if sdk.SECRET in span.to_json()}),
        "requests": sorted(
            [dict(labels)["tool"], dict(labels)["status"], value]
            for labels, value in telemetry.values("mcp_requests_total").items()
        ),
        "errors": sorted(
            [dict(labels)["tool"], dict(labels)["error_type"], value]
            for labels, value in telemetry.values("mcp_errors_total").items()
        ),
        "transports": sorted({str(attributes(span).get("network.transport")) for span in handled}),
        "without_size": sorted(
            dict(labels)["tool"]
            for labels, value in telemetry.values("mcp_server_response_size_bytes_total").items()
            if not value and dict(labels)["tool"] != "wait"
        ),
        "active": sum(telemetry.values("mcp_server_active_requests").values()),
    }


async def _main() -> None:
    tables: dict[str, Any] = {transport: await _run(transport) for transport in ("memory", "http")}
    packages = [f"mcp {sdk.MCP[0]}", *([f"fastmcp {sdk.FASTMCP[0]}"] if sdk.FASTMCP else [])]
    moved = [str(name) for package in packages for name in PRIVATE_NAMES[package] if not name.exists()]
    print(json.dumps({"moved": moved, "sdk": {"mcp": sdk.MCP, "fastmcp": sdk.FASTMCP}, **tables}))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    anyio.run(_main)
    sys.exit(0)
