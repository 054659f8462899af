"""CPU of one tool call: compare the rows, and trust `instructions.py` where the machine has other work to do."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.variants import VARIANTS, connected

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

_CALLS = 100


@pytest.mark.benchmark(group=f"{_CALLS} tool calls, CPU of all threads", timer=process_time)
@pytest.mark.parametrize("name", VARIANTS)
def test_cpu_of_tool_calls(benchmark: BenchmarkFixture, name: str) -> None:
    with connected(VARIANTS[name]) as call:
        benchmark.pedantic(call, args=(_CALLS,), rounds=20, warmup_rounds=1)
