"""An app inside of OpenTelemetry's ASGI middleware, as the instrumentor of Starlette does it: `uvicorn traced:app`."""

from __future__ import annotations

from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.util.http import get_excluded_urls
from stdio_or_http import mcp

app = OpenTelemetryMiddleware(mcp.streamable_http_app(), excluded_urls=get_excluded_urls("STARLETTE"))
