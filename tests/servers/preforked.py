"""Two processes that share a socket without anybody who says so: `preforked.py PORT`."""

from __future__ import annotations

import os
import socket
import sys

import uvicorn
from stdio_or_http import mcp

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as sock:
    for _ in range(2):
        if os.fork() == 0:
            uvicorn.Server(uvicorn.Config(mcp.streamable_http_app())).run(sockets=[sock])
            sys.exit()
for _ in range(2):
    os.wait()
