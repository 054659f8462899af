"""Our endpoints, on the MCP app and on a port of our own."""
