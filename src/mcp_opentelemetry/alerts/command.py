"""`mcp-opentelemetry rules`: read rule files as a server would, and run promtool's tests of them on our engine."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import TYPE_CHECKING

import yaml

from mcp_opentelemetry.alerts.rule_tests import run_tests
from mcp_opentelemetry.alerts.rules import Rules, load_rules
from mcp_opentelemetry.alerts.source import LONGEST
from mcp_opentelemetry.alerts.trial import try_rules
from mcp_opentelemetry.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_opentelemetry.alerts.rule import Rule


def main(arguments: Sequence[str]) -> int:
    """Check or test rule files; returns 0 if all is well, 1 if not."""
    parser = ArgumentParser(prog="mcp-opentelemetry rules", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    check = commands.add_parser(
        "check", help="say which rules can be evaluated in process, and what is wrong with others"
    )
    check.add_argument("files", nargs="+", metavar="FILE", help="a rule file; * stands for several")
    check.add_argument("--url", help="/metrics of a running server: say what each alert would be now")
    check.add_argument("--seconds", type=float, default=10.0, help="how long to scrape it (10)")
    test = commands.add_parser("test", help="run test files in promtool's format")
    test.add_argument("files", nargs="+", metavar="FILE", help="a test file, which names its rule files")
    options = parser.parse_args(arguments)
    if options.command == "test":
        return run_files(options.files)
    return check_files(options.files, options.url, options.seconds)


def check_files(files: Iterable[str], url: str | None = None, seconds: float = 0.0) -> int:
    """Print the rules that can be evaluated and the problems of the others; returns 1 if there are any.

    Args:
        files: rule files.
        url: `/metrics` of a server that is asked what each alert would be now.
        seconds: how long it is scraped.
    """
    rules = load_rules(files, LONGEST)
    for line in describe(rules):
        print(line)
    if url is None:
        return 1 if rules.problems else 0
    try:
        for line in try_rules(rules, url, seconds, Settings.from_mapping(os.environ).token):
            print(f"now: {line}")
    except (OSError, ValueError) as error:
        print(f"{url}: {type(error).__name__}: {error}")
        return 1
    return 1 if rules.problems else 0


def describe(rules: Rules) -> Iterator[str]:
    """Return what was read, line by line."""
    for group in rules.groups:
        every = f", every {group.interval:g} s" if group.interval else ""
        yield f"{group.file}: group {group.name}{every}"
        yield from (f"  {_describe(rule)}" for rule in group.rules)
    yield from (f"problem: {problem}" for problem in rules.problems)
    count = sum(len(group.rules) for group in rules.groups)
    yield f"{count} rules can be evaluated in process, {len(rules.problems) or 'no'} problems"


def _describe(rule: Rule) -> str:
    if not rule.is_alert:
        return f"ok: records {rule.name}"
    reach = max((selector.reach for selector in rule.expression.selectors), default=0.0)
    facts = [f"looks {reach:g} s back"] if reach else []
    facts += [f"for {rule.hold:g} s"] if rule.hold else []
    facts += [f"keeps firing for {rule.keep:g} s"] if rule.keep else []
    return f"ok: alert {rule.name}" + (f" ({', '.join(facts)})" if facts else "")


def run_files(files: Iterable[str]) -> int:
    """Run test files and print what fails; returns 1 if anything does."""
    return max([_test_file(file) for file in files], default=0)


def _test_file(file: str) -> int:
    try:
        outcome = run_tests(file)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError, RecursionError) as error:
        print(f"{file}: {type(error).__name__}: {' '.join(str(error).split())}")
        return 1
    for failure in outcome.failures:
        print(f"{file}: {failure}")
    failed = f"{len(outcome.failures)} failures" if outcome.failures else "ok"
    print(f"{file}: {outcome.tests} tests, {failed}")
    return 1 if outcome.failures else 0
