"""A server of the installed SDK that knows nothing of us: `stdio`, or `http PORT`."""

from __future__ import annotations

import sys

import uvicorn

from tests.matrix import sdk

if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        sdk.make_server().run("stdio")
    else:
        uvicorn.run(sdk.make_http_app(sdk.make_server()), port=int(sys.argv[2]), log_level="warning")
