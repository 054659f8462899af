"""Count the instructions of one tool call: `python tests/benchmarks/instructions.py [variant ...]`.

Needs valgrind. Counts do not depend on what else the machine has to do; they repeat to about 5,000 per call.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

_VARIANTS: Final = ("bare", "installed", "floor", "native", "ours")
_FEW: Final = 100
_MANY: Final = 400
_ROOT: Final = Path(__file__).parents[2]


def main() -> None:
    """Measure the variants named on the command line, or all, and print a table."""
    names = sys.argv[1:] or _VARIANTS
    runs = [(name, calls) for name in names for calls in (_FEW, _MANY)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        totals = dict(zip(runs, pool.map(lambda run: count(*run), runs), strict=True))
    # The start, the warm-up and the end are in both runs, and drop out.
    costs = {name: (totals[name, _MANY] - totals[name, _FEW]) / (_MANY - _FEW) / 1_000 for name in names}
    print(table(costs))


def count(variant: str, calls: int) -> int:
    """Return the instructions of a process that makes so many calls, in all its threads."""
    counted = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    child = [sys.executable, "-m", "tests.benchmarks.variants", variant, str(calls)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}  # the same collisions in every run
    process = subprocess.run(
        [*counted, *child], cwd=_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    found = re.search(r"Collected\s*:\s*(\d+)", process.stderr)
    if process.returncode != 0 or found is None:
        sys.exit(process.stderr)
    return int(found[1])


def table(costs: dict[str, float]) -> str:
    """Return thousands of instructions per call as a table, and what is added to mcp.

    `installed` is what a server pays today: mcp makes its span, and no SDK takes it. `bare` is mcp without the span.
    """
    bases = [base for base in ("bare", "installed") if base in costs]
    rows = [["", "kinstr/call", *(title for base in bases for title in (f"over {base}", "x floor"))]]
    for name, cost in costs.items():
        row = [name, f"{cost:.1f}"]
        for base in bases:
            added, floor = cost - costs[base], costs.get("floor", costs[base]) - costs[base]
            row += [f"{added:.1f}", f"{added / floor:.2f}" if floor else ""]
        rows.append(row)
    return "\n".join(f"{row[0]:10}" + "".join(f"{cell:>16}" for cell in row[1:]) for row in rows)


if __name__ == "__main__":
    main()
