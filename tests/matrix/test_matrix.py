"""One scenario, every SDK: the same spans, names, outcomes and series, and traces that cross versions.

Alone it runs on the SDK that is installed. With MCP_MATRIX naming a folder made by `versions.py`, it runs on all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.processes import ON_ANY_MACHINE
from tests.matrix.versions import ROOT, VERSIONS, python_of

FOLDER = os.environ.get("MCP_MATRIX")
PYTHONS = {name: python_of(Path(FOLDER), name) for name in VERSIONS} if FOLDER else {"installed": Path(sys.executable)}
MAJORS = [name for name in ("mcp-1", "mcp-2", "fastmcp-3", "fastmcp-4") if name in PYTHONS] or ["installed"]


def environ() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COV", "FASTMCP_"))}
    return {**clean, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **ON_ANY_MACHINE}


def run(name: str, *arguments: str) -> Any:
    # Half of the seams runs on other SDKs only: what they cover belongs to the whole.
    coverage = ["coverage", "run", f"--rcfile={ROOT / 'pyproject.toml'}", f"--data-file={ROOT / '.coverage'}", "-m"]
    done = subprocess.run(
        [PYTHONS[name], "-m", *(coverage if FOLDER else []), *arguments],
        env=environ(),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _expected(sdk: dict[str, Any], transport: str) -> dict[str, Any]:
    """Return the table. Only what goes over the wire may differ: the code of a crash, and how the SDK wraps it."""
    is_old = sdk["mcp"] < [2]
    crash = "0" if is_old else "-32603"
    wrapped = [] if not is_old else ["KeyError"] if sdk["fastmcp"] else ["ResourceError"]
    handled = [
        ["prompts/get greet", "UNSET", None, []],
        ["resources/read", "ERROR", crash, wrapped],
        ["resources/read", "UNSET", None, []],
        ["tools/call _OTHER", "ERROR", "tool_error", []],
        ["tools/call add", "ERROR", "tool_error", []],
        ["tools/call add", "UNSET", None, []],
        ["tools/call boom", "ERROR", "tool_error", ["KeyError"]],
        ["tools/call invalid_inside", "ERROR", "tool_error", ["ValidationError"]],
        ["tools/call sync_add", "UNSET", None, []],
        ["tools/call times_out", "ERROR", "tool_error", ["TimeoutError"]],
        ["tools/call wait", "ERROR", "cancelled", []],
    ]
    sent = [
        ["prompts/get greet", "UNSET", None, []],
        ["resources/read", "ERROR", crash, []],
        ["resources/read", "UNSET", None, []],
        ["tools/call _OTHER", "ERROR", "cancelled", []],
        *[["tools/call _OTHER", "ERROR", "tool_error", []]] * 4,
        ["tools/call add", "ERROR", "tool_error", []],
        ["tools/call add", "UNSET", None, []],
        ["tools/call sync_add", "UNSET", None, []],
    ]
    errors = {
        "_OTHER": "unknown_tool",
        "add": "invalid_arguments",
        "boom": "KeyError",
        "invalid_inside": "ValidationError",
        "times_out": "timeout",
        "wait": "cancelled",
    }
    return {
        "handled": handled,
        "sent": sent,
        "foreign": [],
        "orphans": [],
        "leaks": [],
        "requests": sorted(
            [tool, status, float((tool in {"add", "sync_add"}) if status == "success" else tool in errors)]
            for tool in {*errors, "sync_add"}
            for status in ("success", "error")
        ),
        "errors": sorted([tool, error, 1.0] for tool, error in errors.items()),
        "transports": ["None" if transport == "memory" else "tcp"],
        "active": 0.0,
        "without_size": [],
    }


@pytest.mark.parametrize("name", PYTHONS)
def test_every_sdk_gives_the_same_table(name: str) -> None:
    result = run(name, "tests.matrix.scenario")
    sdk = result.pop("sdk")
    assert result.pop("moved") == [], "private names that this SDK has moved: mend the seam, then the list"
    for transport, table in result.items():
        print(f"\n{name} (mcp {sdk['mcp']}, fastmcp {sdk['fastmcp']}), {transport}")
        for side in ("handled", "sent"):
            for span, status, error_type, exceptions in table[side]:
                print(f"  {side:8} {span:28} {status:6} {error_type or '':12} {' '.join(exceptions)}")
        assert table == _expected(sdk, transport)


@contextmanager
def _server(name: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    process = subprocess.Popen(
        [PYTHONS[name], "-m", "tests.matrix.peer", "serve"],
        env=environ(),
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    spans: list[dict[str, str]] = []
    try:
        yield process.stdout.readline().strip(), spans
        out, _ = process.communicate("stop\n", timeout=120)
        spans.extend(json.loads(out))
    finally:
        process.kill()


@pytest.mark.parametrize("server", MAJORS)
@pytest.mark.parametrize("client", MAJORS)
def test_client_and_server_of_any_two_versions_share_one_trace(client: str, server: str) -> None:
    with _server(server) as (url, handled):
        sent = run(client, "tests.matrix.peer", "call", url)
    (call,) = [span for span in sent if span["name"] == "tools/call add"]
    (tool,) = [span for span in handled if span["name"] == "tools/call add"]
    assert (call["kind"], tool["kind"]) == ("CLIENT", "SERVER")
    assert tool["trace"] == call["trace"]
    assert tool["parent"] == call["id"]


@pytest.mark.parametrize("name", PYTHONS)
def test_no_function_of_ours_can_break_a_call(name: str) -> None:
    result = run(name, "tests.matrix.sabotage")
    print(f"{name}: {len(result['reached'])} functions made to raise in turn")
    assert result["changed"] == []
    assert len(result["reached"]) > 40


@pytest.mark.parametrize("name", [name for name in PYTHONS if not name.startswith("fastmcp")])
def test_handlers_of_a_lowlevel_server_end_as_they_really_do(name: str) -> None:
    result = run(name, "tests.matrix.lowlevel")
    # mcp 1.x answers a crash of a tool with a result, everything else and every later version with an error.
    tool = "tool_error" if name in {"mcp-1", "mcp-1.24"} else "0"
    assert result["ended"] == [
        ["tools/call bad", tool, ["LookupError"]],
        ["prompts/get _OTHER", "0", ["LookupError"]],
        ["completion/complete", "0", ["LookupError"]],
    ]
    assert result["errors"] == ["LookupError"]
    assert result["leaks"] == []
