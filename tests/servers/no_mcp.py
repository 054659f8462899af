"""A process that uses no MCP: says what it is made of, then waits until stdin is closed."""

from __future__ import annotations

import json
import sys
import threading

names = sorted(thread.name for thread in threading.enumerate())
sys.stdout.write(json.dumps({"threads": names, "modules": sorted(sys.modules)}) + "\n")
sys.stdout.flush()
sys.stdin.read()
