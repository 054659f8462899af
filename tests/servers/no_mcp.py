"""A process that uses no MCP: says what it is made of, then waits until stdin is closed."""

from __future__ import annotations

import json
import sys

from footprint import footprint

sys.stdout.write(json.dumps({**footprint(), "modules": sorted(sys.modules)}) + "\n")
sys.stdout.flush()
sys.stdin.read()
