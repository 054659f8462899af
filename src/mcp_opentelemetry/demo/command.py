"""The demo from start to end: server up, client on, numbers shown, all of it down again."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from mcp_opentelemetry.demo.example import Example, choose_port
from mcp_opentelemetry.demo.failure import DemoError, sentence
from mcp_opentelemetry.demo.scrape import is_ready, read_numbers
from mcp_opentelemetry.demo.screen import Screen
from mcp_opentelemetry.demo.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_START_SECONDS: Final = 30.0
_GRACE_SECONDS: Final = 2.0  # longer than the slowest call: one that is cut short would be counted as an error
_SECONDS_WITHOUT_TERMINAL: Final = 20.0


def main(arguments: Sequence[str]) -> int:
    """Run the demo and return its exit code.

    Args:
        arguments: what follows `mcp-opentelemetry demo`.
    """
    options = _parser().parse_args(arguments)
    # What fails is told in one line: the client's own log would put a traceback into the display.
    logging.basicConfig(handlers=[logging.NullHandler()])
    try:
        asyncio.run(_demo(options, Screen(sys.stdout)))
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, a demo ends with a sentence)
        print(f"\nmcp-opentelemetry demo: {sentence(error)}", file=sys.stderr)
        return 1
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="mcp-opentelemetry demo",
        description="Start an example MCP server under opentelemetry-instrument, call its tools with an MCP client, "
        "and show what the server's /metrics says. Ctrl-C ends it.",
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        metavar="N",
        help=f"end after that long (default: never on a terminal, {_SECONDS_WITHOUT_TERMINAL:.0f} elsewhere)",
    )
    parser.add_argument(
        "--port", type=_port, metavar="P", help="the server's port, 0 for any free one (default: 8000 if it is free)"
    )
    return parser


def _seconds(text: str) -> float:
    with suppress(ValueError):
        seconds = float(text)
        if seconds > 0:
            return seconds
    raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0")


def _port(text: str) -> int:
    with suppress(ValueError):
        port = int(text)
        if 0 <= port <= 65535:  # noqa: PLR2004 (the highest TCP port)
            return port
    raise ArgumentTypeError(f"{text!r} is not a port: 0 to 65535")


async def _demo(options: Namespace, screen: Screen) -> None:
    seconds: float = options.seconds or (math.inf if screen.is_live else _SECONDS_WITHOUT_TERMINAL)
    stop = Stop()
    with stop.on_signals(), Example(choose_port(options.port)) as example:
        screen.starting()
        from mcp_opentelemetry.demo.traffic import call_tools  # noqa: PLC0415 (takes a while; the server starts in it)

        if not await _is_up(example, stop):
            screen.clear()
            return
        screen.header(example.url, seconds)
        traffic = partial(call_tools, f"{example.url}/mcp", stop)
        await _play(example, traffic, stop, screen, seconds)
        numbers = await read_numbers(example.url)
        screen.row(numbers, is_last=True)
        screen.summary(numbers)


async def _is_up(example: Example, stop: Stop) -> bool:
    with anyio.move_on_after(_START_SECONDS):
        while not stop.is_requested:
            example.check()
            if await is_ready(example.url):
                return True
            await stop.wait(0.1)
        return False
    raise DemoError(f"the server was not ready within {_START_SECONDS:.0f} s")


async def _play(
    example: Example, traffic: Callable[[], Awaitable[None]], stop: Stop, screen: Screen, seconds: float
) -> None:
    async def end() -> None:
        await stop.wait(seconds)
        stop.request()
        scope.deadline = anyio.current_time() + _GRACE_SECONDS

    async def show() -> None:
        await stop.wait(screen.interval)
        while not stop.is_requested:
            screen.row(await read_numbers(example.url))
            example.trim_log()
            await stop.wait(screen.interval)

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end)
            tasks.start_soon(stop.watch, show)
            tasks.start_soon(stop.watch, traffic)
    if stop.failure is not None:
        # A server that has died explains itself better than a refused connection does.
        example.check(patience=1.0)
        raise stop.failure
