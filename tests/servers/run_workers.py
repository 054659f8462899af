"""A script that starts its own workers: `run_workers.py PORT`."""

from __future__ import annotations

import sys

import uvicorn
from stdio_or_http import mcp

app = mcp.streamable_http_app()

if __name__ == "__main__":
    uvicorn.run("run_workers:app", port=int(sys.argv[1]), workers=2)
