"""A process that makes as many tool calls as a line of its stdin says, and sends their spans where it says `flush`."""

from __future__ import annotations

import sys

from opentelemetry import trace

import mcp_opentelemetry as mot


@mot.instrument_tool
def work() -> None:
    """Do nothing, and be counted."""


for line in map(str.strip, sys.stdin):
    if line == "flush":
        trace.get_tracer_provider().force_flush()
    else:
        for _ in range(int(line)):
            work()
    print(line, flush=True)
