"""Worker processes behind one port, and a collector that has the whole of what they count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from tests.integration.collector import Collector
from tests.integration.collector_files import GATEWAY
from tests.integration.http_servers import HttpServer
from tests.integration.processes import PATIENCE, wait_until

if TYPE_CHECKING:
    from pathlib import Path

_WORKERS: Final = 4
_CLIENTS: Final = 16
_ROUNDS: Final = 10
_TOOLS: Final = {"add": {"a": 1, "b": 2}, "boom": {}}


def test_calls_of_four_workers_add_up_to_those_of_the_clients(tmp_path: Path) -> None:
    counted = dict.fromkeys(_TOOLS, 0)
    with Collector(tmp_path, GATEWAY, settings={"OTELCOL_TRACES_EXPORTERS": "[nop]"}) as collector:
        settings = collector.settings | {"OTEL_SERVICE_NAME": "workers", "OTEL_METRIC_EXPORT_INTERVAL": "500"}

        def instances(name: str) -> set[str]:
            return {sample.labels["instance"] for sample in collector.samples() if sample.name == name}

        with HttpServer(f"uvicorn asgi_app:app --workers {_WORKERS}", settings=settings) as server:
            wait_until(lambda: len(instances("process_uptime_seconds")) == _WORKERS)

            async def use() -> None:
                async with server.client() as client:
                    for _ in range(_ROUNDS):
                        for tool, arguments in _TOOLS.items():
                            result = await client.call_tool(tool, arguments)
                            assert result.is_error == (tool == "boom")
                            counted[tool] += 1

            async def all_at_once() -> None:
                with anyio.fail_after(PATIENCE):
                    async with anyio.create_task_group() as clients:
                        for _ in range(_CLIENTS):
                            clients.start_soon(use)

            def is_shared() -> bool:
                server.call("add", a=1, b=2)
                counted["add"] += 1
                return len(instances("mcp_requests_total")) > 1

            wait_until(is_shared)  # which worker takes a connection is chance
            anyio.run(all_at_once)
            for tool, count in counted.items():
                wait_until(lambda tool=tool, count=count: collector.sum_of("mcp_requests_total", tool=tool) == count)
            wait_until(lambda: collector.sum_of("mcp_errors_total") == counted["boom"])
            by_worker = [
                collector.sum_of("mcp_requests_total", instance=instance)
                for instance in instances("mcp_requests_total")
            ]
    print(f"{sum(counted.values())} calls; by worker: {sorted(by_worker)}")
    assert sum(by_worker) == sum(counted.values())
