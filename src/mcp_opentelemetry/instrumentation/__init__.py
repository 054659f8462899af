"""The seams: where an MCP SDK hands us its messages, each exactly once. No convention is known here."""
