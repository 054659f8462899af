"""A small weather server: plain mcp, nothing in it knows of telemetry.

Run it on stdio, or over HTTP with `--http` (port 8000, or the one in PORT).
"""

import asyncio
import os
import sys
from dataclasses import dataclass

from mcp.server import MCPServer

mcp = MCPServer("weather", version="1.0.0")

_CELSIUS = {"Oslo": 4.0, "Lisbon": 18.5, "Nairobi": 23.0, "Lima": 19.5}


@dataclass
class Weather:
    """The weather in a city."""

    city: str
    celsius: float


@mcp.tool()
async def current(city: str) -> Weather:
    """Return the current weather in a city."""
    return Weather(city, _CELSIUS[city])


@mcp.tool()
async def forecast(city: str, days: int = 3) -> list[Weather]:
    """Return the weather of the next days, which takes a while to compute."""
    await asyncio.sleep(0.1 * days)
    return [Weather(city, _CELSIUS[city] + day) for day in range(days)]


@mcp.tool()
def fahrenheit(celsius: float) -> float:
    """Convert a temperature."""
    return celsius * 9 / 5 + 32


@mcp.resource("weather://cities")
def cities() -> list[str]:
    """Return the cities that have a weather station."""
    return sorted(_CELSIUS)


if __name__ == "__main__":
    if "--http" in sys.argv:
        mcp.run("streamable-http", port=int(os.environ.get("PORT", "8000")))
    else:
        mcp.run()
