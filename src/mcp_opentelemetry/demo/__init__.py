"""`mcp-opentelemetry demo`: a real server, a real client, and what the server's own endpoints say of them."""
