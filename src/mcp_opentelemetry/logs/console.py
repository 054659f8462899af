"""Standard error as a sink; never standard output, which on stdio is the protocol's."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from mcp_opentelemetry.logs.formats import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_opentelemetry.logs.formats import Format
    from mcp_opentelemetry.logs.line import Line


def write_line(write: Format, line: Line) -> None:
    """Write a line to standard error, as it is at this moment: an application may redirect it."""
    stream = sys.stderr
    # Closed, or nobody reads it any more: there is nobody to tell.
    with suppress(OSError, ValueError, AttributeError):
        stream.write(write(line) + "\n")
        stream.flush()


def for_people(environ: Mapping[str, str]) -> Format:
    """Return the format for people: in colour on a terminal, unless they want none (no-color.org)."""
    has_terminal = getattr(sys.stderr, "isatty", bool)()
    in_colour = has_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return partial(text, in_colour=in_colour)
