"""CPU of one tool call on the SDK that is installed, by tracing: `python -m tests.benchmarks.sdks`.

The variants take turns in one process, so that what else the machine does falls on all alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from statistics import median
from time import process_time

import anyio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from tests.matrix import sdk
from tests.telemetry import Telemetry

CALLS = 50
ROUNDS = 30


class _Nowhere(SpanExporter):
    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS


async def _main() -> None:
    # The SDK's own spans go to the global provider; without it they cost next to nothing.
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(_Nowhere()))
    telemetry = Telemetry()
    telemetry.operations.tracer = provider.get_tracer("ours")
    variants: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "native": nullcontext,
        "ours": telemetry.instrumented,
        "ours, client too": lambda: telemetry.instrumented(client=True),
    }
    costs: dict[str, list[float]] = {"without": []}
    async with sdk.connect(sdk.make_server(), None) as client:

        async def measure() -> float:
            started = process_time()
            for _ in range(CALLS):
                await client.call_tool("add", {"a": 1, "b": 2})
            return (process_time() - started) / CALLS * 1e6

        await measure()
        costs["without"] = [await measure() for _ in range(ROUNDS)]
        trace.set_tracer_provider(provider)
        for _ in range(ROUNDS):
            for name, variant in variants.items():
                with variant():
                    costs.setdefault(name, []).append(await measure())
    base = median(costs["without"])
    print(f"mcp {sdk.MCP}, fastmcp {sdk.FASTMCP}: without an SDK {base:.0f} us a call")
    for name in variants:
        print(f"  {name:16} {median(costs[name]) - base:+.0f} us")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    anyio.run(_main)
