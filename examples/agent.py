"""An agent that asks two servers: one trace goes through three processes.

Start it where both commands are on the PATH, with a collector (or any other OTLP receiver) listening:

    OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 opentelemetry-instrument python examples/agent.py Oslo
"""

import os
import sys
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from opentelemetry import trace

_tracer = trace.get_tracer("agent")


def server(script: str) -> Client:
    """Return a client of a server that it starts. Clients pass no variables on by themselves, so we do."""
    telemetry = {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}
    command = ["opentelemetry-instrument", sys.executable, str(Path(__file__).with_name(script))]
    return Client(stdio_client(StdioServerParameters(command=command[0], args=command[1:], env=telemetry)))


async def ask(client: Client, tool: str, **arguments: Any) -> Any:
    """Call a tool; returns its structured result."""
    result = await client.call_tool(tool, arguments)
    return result.structured_content


async def plan(city: str) -> str:
    """Ask for the weather, and what to wear in it."""
    async with server("weather_server.py") as weather, server("packing_server.py") as packing:
        with _tracer.start_as_current_span("plan a trip"):  # what both calls are part of
            now = await ask(weather, "current", city=city)
            answer = await ask(packing, "clothes", celsius=now["celsius"])
    return f"{city}, {now['celsius']} °C: take {answer['result']}"


if __name__ == "__main__":
    print(anyio.run(plan, sys.argv[1]))
