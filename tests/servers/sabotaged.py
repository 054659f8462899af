"""A server over which one function of ours raises: `sabotaged.py health.lifecycle.Lifecycle.starts PORT`."""

from __future__ import annotations

import sys
from importlib import import_module

import uvicorn
from stdio_or_http import mcp

import mcp_opentelemetry
from mcp_opentelemetry.guard import guarded


class Sabotage(Exception):  # noqa: N818 (no error of anybody's)
    """What the function raises."""


def fail(*_: object, **__: object) -> None:
    """Raise, and say so."""
    print("sabotage", file=sys.stderr, flush=True)
    raise Sabotage


def sabotage(path: str) -> None:
    """Make a function raise, within its guard if it has one."""
    module, owner_name, name = path.rsplit(".", 2)
    owner = getattr(import_module(f"mcp_opentelemetry.{module}"), owner_name)
    setattr(owner, name, guarded(fail) if hasattr(vars(owner)[name], "__wrapped__") else fail)


if __name__ == "__main__":
    sabotage(sys.argv[1])
    mcp_opentelemetry.configure()
    uvicorn.run(mcp.streamable_http_app(), port=int(sys.argv[2]))
