"""The command `mcp-opentelemetry`: one subcommand each, imported only when it is called."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


class Command(NamedTuple):
    """A subcommand: `main(arguments)` in its module parses the rest of the line and returns the exit code."""

    name: str
    module: str
    help: str


COMMANDS: Final = (
    Command("demo", "mcp_opentelemetry.demo.command", "run an example server and watch its metrics while it is called"),
    Command("health", "mcp_opentelemetry.health.command", "ask a server whether it is well; exits with 0 or 1"),
    Command("rules", "mcp_opentelemetry.alerts.command", "check alert rules and run their tests, as promtool does"),
    Command("doctor", "mcp_opentelemetry.doctor", "say what is installed, what is set, and what is wrong with it"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: what follows the program's name; by default, that of this process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    # The first argument decides: an option of ours ends the program, and a subcommand reads the rest by itself.
    name: str = _parser().parse_args(arguments[:1]).command
    module = next(command.module for command in COMMANDS if command.name == name)
    try:
        return import_module(module).main(arguments[1:])
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone, as in `| head`; Python would complain when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="mcp-opentelemetry", description="OpenTelemetry for MCP servers.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for command in COMMANDS:
        commands.add_parser(command.name, help=command.help, add_help=False)
    return parser
