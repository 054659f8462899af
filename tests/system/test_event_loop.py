"""A blocked event loop, seen from another thread while it is blocked."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.server import MCPServer

from mcp_opentelemetry import guard
from mcp_opentelemetry.system import event_loop
from mcp_opentelemetry.system.culprit import Culprit, find_culprit
from mcp_opentelemetry.system.event_loop import Block, EventLoops
from tests import connections
from tests.telemetry import Telemetry
from tests.waiting import DEADLINE, eventually, eventually_async


@pytest.fixture
def loops() -> Iterator[EventLoops]:
    loops = EventLoops()
    yield loops
    loops.close()


class Blockage:
    """Holds the thread that calls `hold` until another one has seen what it wanted to see."""

    def __init__(self) -> None:
        self.is_seen = threading.Event()

    def hold(self) -> None:
        assert self.is_seen.wait(DEADLINE)


def is_held(block: Block | None, seconds: float) -> bool:
    """Return whether a loop has been held for so long, and is now by `Blockage.hold`: it may have been late before."""
    if block is None or block.culprit is None:
        return False
    return block.seconds > seconds and block.culprit.where == line_of("assert self.is_seen.wait(DEADLINE)")


def see(loops: EventLoops, blockage: Blockage, seconds: float) -> Block:
    """Return a block once it has lasted for so long, and let the loop go."""
    try:
        eventually(lambda: is_held(loops.block(), seconds))
        block = loops.block()
        assert block is not None
        return block
    finally:
        blockage.is_seen.set()


def line_of(text: str) -> str:
    """Return `file:line` of the only line of this file that ends with a text."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if line.endswith(text)]
    return f"{__file__}:{number}"


@pytest.mark.anyio
async def test_blocked_loop_is_seen_while_it_is_blocked_with_tool_and_line(
    telemetry: Telemetry, loops: EventLoops
) -> None:
    server, is_seen = MCPServer("blocked"), threading.Event()

    @server.tool()
    async def report() -> str:
        while not is_seen.is_set():
            time.sleep(0.01)  # noqa: ASYNC251 (it holds the loop)
        return "done"

    def is_the_tools(block: Block) -> bool:
        # The loop may have been late before the tool was reached.
        return block.seconds > 0.3 and block.culprit is not None and block.culprit.target == "report"

    def watch_from_outside() -> Block:
        try:
            eventually(lambda: (block := loops.block()) is not None and is_the_tools(block))
            block = loops.block()
            assert block is not None
            return block
        finally:
            is_seen.set()

    loops.watch()
    async with connections.in_memory(server) as client:
        with ThreadPoolExecutor() as threads:
            seen = threads.submit(watch_from_outside)
            await client.call_tool("report")
            block = seen.result(DEADLINE)
    assert block.seconds > 0.3
    assert block.culprit is not None
    assert (block.culprit.method, block.culprit.target) == ("tools/call", "report")
    where = line_of("(it holds the loop)")
    # Between two naps it is at the line before.
    before = f"{__file__}:{int(where.rpartition(':')[2]) - 1}"
    assert block.culprit.where in {where, before}
    assert str(block.culprit).startswith("tools/call report at ")
    assert (lag := loops.lag()) is not None
    assert lag > 0.3
    await eventually_async(lambda: (block := loops.block()) is not None and block.seconds == 0)


def test_blocked_loop_without_a_tool_names_the_line(loops: EventLoops) -> None:
    blockage = Blockage()

    async def main() -> Block:
        loops.watch()
        with ThreadPoolExecutor() as threads:
            seen = threads.submit(see, loops, blockage, 0.1)
            blockage.hold()
            return seen.result(DEADLINE)

    culprit = asyncio.run(main()).culprit
    assert culprit == Culprit(None, None, line_of("assert self.is_seen.wait(DEADLINE)"))
    assert str(culprit).startswith("unknown work at ")


def test_loop_that_turns_is_not_blocked(loops: EventLoops) -> None:
    async def main() -> None:
        loops.watch()
        loops.watch()
        await eventually_async(lambda: loops.lag() is not None and loops._alive()[0]._late)
        await eventually_async(lambda: (block := loops.block()) is not None and block == Block(0.0, None))
        assert len(loops._alive()) == 1
        assert loops.running() is asyncio.get_running_loop()

    asyncio.run(main())


def _overdue(loop: asyncio.AbstractEventLoop, loops: EventLoops) -> None:
    """Run a loop until a beat is pending, and return when that is overdue."""

    async def start() -> None:
        loops.watch()

    loop.run_until_complete(start())
    beat = loops._beats[loop]
    eventually(lambda: beat.overdue() > 0)


@pytest.mark.parametrize("is_closed", [True, False])
def test_loop_that_has_ended_is_not_blocked(loops: EventLoops, is_closed: bool) -> None:
    loop = asyncio.new_event_loop()
    try:
        _overdue(loop, loops)
        if is_closed:
            loop.close()
        assert (loops.block(), loops.lag(), loops.running()) == (None, None, None)
    finally:
        loop.close()


def test_loop_that_has_ended_is_forgotten(loops: EventLoops) -> None:
    async def main() -> None:
        loops.watch()

    asyncio.run(main())
    gc.collect()
    assert not list(loops._beats)


def test_nothing_is_known_without_asyncio(loops: EventLoops) -> None:
    loops.watch()
    assert (loops.block(), loops.lag(), loops.running()) == (None, None, None)


def test_nothing_is_known_on_trio(loops: EventLoops) -> None:

    async def main() -> None:
        loops.watch()

    anyio.run(main, backend="trio")
    assert (loops.block(), loops.lag(), loops.running()) == (None, None, None)


def test_worst_of_several_loops_counts_and_the_latest_serves(loops: EventLoops) -> None:
    blockage, is_watched = Blockage(), Future[asyncio.AbstractEventLoop]()

    async def blocked() -> None:
        loops.watch()
        is_watched.set_result(asyncio.get_running_loop())
        blockage.hold()

    async def main() -> None:
        loops.watch()
        with ThreadPoolExecutor() as threads:
            ended = threads.submit(asyncio.run, blocked())
            other = await asyncio.wrap_future(is_watched)
            assert loops.running() is other
            await eventually_async(lambda: is_held(loops.block(), 0.3))
            block = loops.block()
            blockage.is_seen.set()
            ended.result(DEADLINE)
        assert block is not None
        assert block.culprit is not None
        assert block.culprit.where == line_of("assert self.is_seen.wait(DEADLINE)")
        assert loops.running() is asyncio.get_running_loop()

    asyncio.run(main())


def test_lag_of_a_block_that_is_over_is_shown_for_a_while(loops: EventLoops, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        loops.watch()
        beat = loops._alive()[0]
        blockage = Blockage()
        with ThreadPoolExecutor() as threads:
            seen = threads.submit(see, loops, blockage, 0.2)
            blockage.hold()
            seen.result(DEADLINE)
        await eventually_async(lambda: beat._late and beat.overdue() == 0)
        assert (lag := loops.lag()) is not None
        assert lag > 0.2
        monkeypatch.setattr(event_loop, "_REMEMBERED", 0.0)
        await eventually_async(lambda: (lag := loops.lag()) is not None and lag < 0.2)

    asyncio.run(main())


def test_closed_watch_knows_nothing_and_its_beats_end() -> None:
    async def main() -> None:
        loops = EventLoops()
        loops.watch()
        beat = loops._alive()[0]
        loops.close()
        assert (loops.block(), loops.lag(), loops.running()) == (None, None, None)
        await eventually_async(lambda: beat._late)
        timers: Any = vars(asyncio.get_running_loop())["_scheduled"]
        assert not [timer for timer in timers if timer._callback == beat._beat]

    asyncio.run(main())


def test_beat_that_fails_goes_on_and_the_loop_hears_nothing_of_it(
    loops: EventLoops, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "reraise", False)
    heard: list[Any] = []
    failed: list[None] = []

    class Broken(deque[tuple[float, float]]):
        def append(self, _: tuple[float, float]) -> None:
            failed.append(None)
            raise RuntimeError

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
        loops.watch()
        (beat,) = loops._alive()
        beat._late = Broken()
        await eventually_async(lambda: len(failed) >= 3)
        beat._late = deque()
        await eventually_async(lambda: beat._late and loops.block() == Block(0.0, None))

    asyncio.run(main())
    assert heard == []


def test_thread_without_a_frame_has_no_culprit() -> None:
    assert find_culprit(None) is None


def test_frames_of_the_standard_library_are_no_culprits() -> None:
    blockage = Blockage()
    thread = threading.Thread(target=blockage.is_seen.wait, args=(DEADLINE,))
    thread.start()
    import sys

    try:
        frame = sys._current_frames()[thread.ident or 0]
        assert find_culprit(frame) == Culprit(None, None, None)
        assert str(Culprit(None, None, None)) == "unknown work"
    finally:
        blockage.is_seen.set()
        thread.join()
