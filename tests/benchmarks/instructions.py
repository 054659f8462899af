"""Count the instructions of one tool call: `python tests/benchmarks/instructions.py [variant ...]`.

Needs valgrind. A machine with other work to do gives the same figures: they are counts, not times.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from variants import VARIANTS, connected

_WARM_UP = 50
_FEW = 100
_MANY = 400


def main() -> None:
    """Measure the variants named on the command line, or all, and print a table."""
    names = sys.argv[1:] or list(VARIANTS)
    runs = [(name, calls) for name in names for calls in (_FEW, _MANY)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        totals = dict(zip(runs, pool.map(lambda run: count(*run), runs), strict=True))
    # The start, the warm-up and the end are in both runs, and drop out.
    costs = {name: (totals[name, _MANY] - totals[name, _FEW]) / (_MANY - _FEW) / 1_000 for name in names}
    print_table(costs)


def count(name: str, calls: int) -> int:
    """Return the instructions of a process that makes so many calls, in all its threads."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={Path(folder, 'out')}",
            sys.executable,
            __file__,
            "--child",
            name,
            str(calls),
        ]
        # Memory, string hashes and the order of sets are the same in all runs.
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONMALLOC": "pymalloc"}
        process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"Collected\s*:\s*(\d+)", process.stderr)
    assert found is not None, process.stderr
    return int(found[1])


def print_table(costs: dict[str, float]) -> None:
    """Print thousands of instructions per call, and what they are over mcp alone and over the floor."""
    print(f"{'variant':8} {'kinstr/call':>12} {'over bare':>10} {'x floor':>8}")
    for name, cost in costs.items():
        added = cost - costs["bare"] if "bare" in costs else float("nan")
        floor = costs["floor"] - costs["bare"] if {"bare", "floor"} <= costs.keys() else float("nan")
        print(f"{name:8} {cost:12.1f} {added:10.1f} {added / floor:8.2f}")


def run_child(name: str, calls: int) -> None:
    """Make the calls to be counted."""
    with connected(VARIANTS[name]) as call:
        call(_WARM_UP)
        # A full collection walks everything that has been imported; whether one falls into a run is chance.
        gc.collect()
        gc.freeze()
        call(calls)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        run_child(sys.argv[2], int(sys.argv[3]))
    else:
        main()
