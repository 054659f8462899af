"""A second small server, for the agent: it knows what to pack for a temperature.

Run it on stdio: `opentelemetry-instrument python examples/packing_server.py`
"""

from mcp.server import MCPServer

mcp = MCPServer("packing", version="1.0.0")

_CLOTHES = ((5.0, "a winter coat"), (15.0, "a pullover"), (22.0, "a shirt"))


@mcp.tool()
async def clothes(celsius: float) -> str:
    """Return what to wear."""
    return next((what for warmest, what in _CLOTHES if celsius <= warmest), "a swimsuit")


if __name__ == "__main__":
    mcp.run()
