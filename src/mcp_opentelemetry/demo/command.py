"""The demo from start to end: server up, client on, numbers shown, all of it down again."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from contextlib import suppress

import anyio

from mcp_opentelemetry.demo.example import DemoError, Example, choose_port
from mcp_opentelemetry.demo.screen import Screen
from mcp_opentelemetry.demo.scrape import is_ready, read_numbers
from mcp_opentelemetry.demo.stop import Stop
from mcp_opentelemetry.demo.traffic import call_tools

_START_SECONDS = 30.0
_GRACE_SECONDS = 2.0  # longer than the slowest call: one that is cut short would be counted as an error
_SECONDS_WITHOUT_TERMINAL = 20.0


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
        print(f"\nmcp-opentelemetry demo: {_sentence(error)}", file=sys.stderr)
        return 1
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="mcp-opentelemetry demo",
        description="Start an example MCP server under opentelemetry-instrument, call its tools with an MCP client, "
        "and show what the server's /metrics says. Ctrl-C ends it. Everything stays on this machine.",
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
        if not await _is_up(example, stop):
            screen.clear()
            return
        screen.header(example.url, seconds)
        await _play(example, stop, screen, seconds)
        screen.summary(await read_numbers(example.url))


async def _is_up(example: Example, stop: Stop) -> bool:
    with anyio.move_on_after(_START_SECONDS):
        while not stop.is_requested:
            example.check()
            if await is_ready(example.url):
                return True
            await stop.wait(0.1)
        return False
    raise DemoError(f"the server was not ready within {_START_SECONDS:.0f} s; its log is {example.log}")


async def _play(example: Example, stop: Stop, screen: Screen, seconds: float) -> None:
    async def end() -> None:
        await stop.wait(seconds)
        stop.request()
        scope.deadline = anyio.current_time() + _GRACE_SECONDS

    async def show() -> None:
        while not stop.is_requested:
            await stop.wait(screen.interval)
            screen.row(await read_numbers(example.url))
            example.trim_log()

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end)
            tasks.start_soon(stop.on_failure_of, show)
            tasks.start_soon(stop.on_failure_of, call_tools, f"{example.url}/mcp", stop)
    screen.end_row()
    if stop.failure is not None:
        # A server that has died explains itself better than a refused connection does.
        example.check(patience=1.0)
        raise stop.failure


def _sentence(error: BaseException) -> str:
    if isinstance(error, DemoError):
        return str(error)
    while inner := getattr(error, "exceptions", None):
        error = inner[0]
    return f"{type(error).__name__}: {error}"
