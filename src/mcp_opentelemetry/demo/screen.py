"""What the demo prints: a header, one row that lives, and a summary."""

from __future__ import annotations

import math
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final, TextIO

from mcp_opentelemetry.demo.example import SERVER
from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from mcp_opentelemetry.demo.scrape import Calls, Numbers

_STYLES: Final = {"bold": "1", "dim": "2", "red": "31", "cyan": "36"}
_KINDS: Final = ("KeyError", "invalid_arguments", "unknown_tool")
_COLUMNS: Final = {"uptime": 8, "calls": 8, "errors": 8, "average": 10, **{kind: len(kind) + 2 for kind in _KINDS}}
_OTHER: Final = "_OTHER"

Cell = tuple[str, str]
"""Text and style."""


class Screen:
    """Standard output, be it a terminal or not.

    Args:
        out: where to print; ASCII only, for any encoding.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.is_live = out.isatty()
        self.interval = 0.5 if self.is_live else 2.0
        is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or sys.platform == "win32"
        self._has_color = self.is_live and not is_plain

    def starting(self) -> None:
        """Say that it takes a moment, where that can be taken back."""
        if self.is_live:
            self._write("Starting the server...\r")

    def clear(self) -> None:
        """Take back what was said by `starting`."""
        if self.is_live:
            self._write(" " * 22 + "\r")

    def header(self, url: str, seconds: float) -> None:
        """Print where the server is, and what is going to happen.

        Args:
            url: the server's address.
            seconds: for how long.
        """
        self.clear()
        length = "until Ctrl-C" if seconds == math.inf else f"for {seconds:g} s"
        self._line(f"mcp-opentelemetry {__version__} demo", "bold")
        self._line()
        self._line("  A server that knows nothing of telemetry, started with")
        self._line(f"  $ opentelemetry-instrument python {SERVER} --http", "bold")
        self._line()
        endpoints = {"MCP endpoint": "mcp", "Dashboard": "dashboard", "Metrics": "metrics", "Health": "health"}
        for name, path in endpoints.items():
            self._line(f"  {name:<14}" + self._paint(f"{url}/{path}", "cyan"))
        self._line()
        self._line(f"  A client calls its tools, some of them wrongly, {length}.")
        self._line("  Read back from /metrics:")
        self._line()
        self._line(self._cells([(f"{name:>{width}}", "dim") for name, width in _COLUMNS.items()]))

    def row(self, numbers: Numbers, *, is_last: bool = False) -> None:
        """Print the numbers: over those before on a terminal, below them elsewhere."""
        calls = numbers.all
        texts = [_clock(numbers.uptime), str(calls.count), str(calls.errors), _milliseconds(calls.average)]
        texts += [str(numbers.errors[kind]) for kind in _KINDS]
        styles = ["", "bold", "red" if calls.errors else "", "bold", "", "", ""]
        padded = [f"{text:>{width}}" for text, width in zip(texts, _COLUMNS.values(), strict=True)]
        row = self._cells(list(zip(padded, styles, strict=True)))
        if self.is_live:
            # The cursor rests in the margin, where the ^C of a terminal does no harm.
            row = f"\r{row}\r"
        self._write(row + ("\n" if is_last or not self.is_live else ""))

    def summary(self, numbers: Numbers) -> None:
        """Print a table of the tools, and what to do next."""
        tools = sorted(numbers.by_tool.items(), key=lambda item: (item[0] == _OTHER, item[0]))
        width = max([10, *(len(name) for name, _ in tools)])
        self._line()
        self._line(f"  {'tool':<{width}}{'calls':>8}{'errors':>8}{'average':>10}", "dim")
        for name, calls in tools:
            self._line(self._tool(f"  {name:<{width}}", calls))
        if _OTHER in numbers.by_tool:
            self._line()
            self._line(f"  {_OTHER}: calls of tools that do not exist, whatever names clients make up.", "dim")
        self._line()
        self._line("  Next, your own server, as it is:")
        self._line("  $ opentelemetry-instrument python your_server.py", "bold")

    def _tool(self, name: str, calls: Calls) -> str:
        errors = self._paint(f"{calls.errors:>8}", "red" if calls.errors else "")
        return f"{name}{calls.count:>8}{errors}{_milliseconds(calls.average):>10}"

    def _cells(self, cells: list[Cell]) -> str:
        """Join as many cells as fit into one line: a wrapped one could not be written over."""
        room = shutil.get_terminal_size().columns - 1 if self.is_live else math.inf
        text = ""
        for cell, style in cells:
            room -= len(cell)
            if room < 0:
                break
            text += self._paint(cell, style)
        return text

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and self._has_color else text

    def _line(self, text: str = "", style: str = "") -> None:
        self._write(self._paint(text, style) + "\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()  # a reader of a pipe, too, wants to see it now


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    milliseconds = seconds * 1000
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"  # noqa: PLR2004 (two digits)
