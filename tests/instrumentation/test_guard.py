"""Telemetry never breaks its host: each function of ours on the way of a call is made to raise in turn."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from mcp_opentelemetry import guard
from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation import catalog, mcp2, mcp2_client, outcomes, peers, protocol, sent, transports
from mcp_opentelemetry.operations import (
    capture,
    failure,
    kind,
    measurements,
    notable,
    operation,
    outcome,
    propagation,
    size,
    tallies,
)
from mcp_opentelemetry.operations.capture import Capture
from tests.connections import http_legacy, in_memory
from tests.servers.tools import make_server
from tests.telemetry import Telemetry

MODULES = [
    *(catalog, mcp2, mcp2_client, outcomes, peers, protocol, sent, transports),
    *(capture, failure, kind, measurements, notable, operation, outcome, propagation, size, tallies),
]
# These hold the host's own call or run before any message; what they call is in the list.
NOT_OURS_TO_FAIL = {
    # Only in a forked child, before anybody else runs there.
    "tallies.Tallies.count_from_zero",
    "kind.Kinds.leave_to_parent",
    "measurements.Measurements._begin_anew",
    # Only on the way of mcp 1.x and fastmcp, whose turn comes in the matrix.
    "catalog.is_framework",
    "catalog.Catalog.confirm",
    "catalog.Catalog.target_of_cache",
    "mcp2.ServerSeam._confirm",
    "outcomes.of_response",
    "transports.take_stdio",
    "mcp2.ServerSeam.__init__",
    "mcp2.ServerSeam.install",
    "mcp2.ServerSeam._compose",
    "mcp2.ServerSeam._handle",
    "mcp2.ServerSeam._replace_native",
    "mcp2.ServerSeam._lose_runner",
    "mcp2._keep_exception",
    "mcp2_client.ClientSeam.__init__",
    "mcp2_client.ClientSeam.install",
    "mcp2_client.ClientSeam._connect",
    "mcp2_client.ClientSeam._send",
    "mcp2_client.ClientSeam._handle",
    "mcp2_client.ClientSeam._close",
    "mcp2_client._notify",
    "mcp2_client._replace_native",
    "sent.SentRequests.__init__",
    "sent.SentRequests.closing",
    # Only for a transport that fails; reached from _end_sent, whose guard the others prove.
    "sent._reason",
    "peers.watch",
    "peers._noting",
    "transports.marking_stdio",
    "operation.Operations.__init__",
    "kind.Kinds.__init__",
    "kind.Kinds.__len__",
    "measurements.Measurements.__init__",
    "notable.NotableCalls.__init__",
    "measurements._histogram",
    "operation.get_operations",
    "capture.Capture.__init__",
    "tallies.Tallies.__init__",
    # Called by the SDK at a scrape, which has a guard of its own.
    "tallies.Tallies._observe_requests",
    "tallies.Tallies._observe_errors",
    "tallies.Tallies._observe_active",
    "tallies.Tallies._observe_sizes",
    "tallies.Tallies._observe_sessions",
}


def _functions() -> Iterator[tuple[str, Any, str]]:
    for module in MODULES:
        name = module.__name__.rpartition(".")[2]
        for owner_name, owner in [("", module), *inspect.getmembers(module, inspect.isclass)]:
            if owner is not module and owner.__module__ != module.__name__:
                continue
            for attribute, value in list(vars(owner).items()):
                function = value.__func__ if isinstance(value, staticmethod) else value
                if not isinstance(function, FunctionType) or function.__module__ != module.__name__:
                    continue
                if attribute.startswith("__") and attribute != "__init__":
                    continue  # a dataclass's, not ours
                label = ".".join(filter(None, (name, owner_name, attribute)))
                if label not in NOT_OURS_TO_FAIL:
                    yield label, owner, attribute


FUNCTIONS = list(_functions())


class OurError(Exception):
    """What a function of ours raises here."""


async def _use(client: Client) -> list[Any]:
    """Call a server in every way; returns what its client sees."""
    seen: list[Any] = []

    async def note(call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        try:
            result = await call(*args, **kwargs)
        except MCPError as error:
            seen.append((error.error.code, error.error.message))
        else:
            seen.append(result.model_dump())

    await note(client.list_tools)
    await note(client.call_tool, "add", {"a": 1, "b": 2}, meta={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    await note(client.call_tool, "boom")
    await note(client.call_tool, "add", {"a": "x"})
    await note(client.call_tool, "protocol_error")
    await note(client.call_tool, "no_such_tool")
    await note(client.read_resource, "test://bad")
    await note(client.get_prompt, "greet", {"name": "Ada"})
    await note(client.get_prompt, "no_such_prompt")
    await note(client.call_tool, "ask_back")
    await note(client.call_tool, "wait", read_timeout_seconds=0.05)
    return seen


def _replace(owner: Any, attribute: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make a function raise, wherever it has been imported to; returns a list that each call is noted in."""
    calls: list[str] = []
    value = vars(owner)[attribute]
    original = value.__func__ if isinstance(value, staticmethod) else value

    def fail(*_: Any, **__: Any) -> None:
        calls.append(attribute)
        raise OurError

    failing: Any = guarded(fail) if hasattr(original, "__wrapped__") else fail
    failing = staticmethod(failing) if isinstance(value, staticmethod) else failing
    monkeypatch.setattr(owner, attribute, failing)
    if isinstance(owner, ModuleType):
        for name, module in list(sys.modules.items()):
            if name.startswith("mcp_opentelemetry") and vars(module).get(attribute) is original:
                monkeypatch.setattr(module, attribute, failing)
    return calls


@pytest.mark.anyio
@pytest.mark.parametrize(("label", "owner", "attribute"), FUNCTIONS, ids=[label for label, *_ in FUNCTIONS])
async def test_call_is_untouched_when_a_function_of_ours_raises(
    label: str, owner: Any, attribute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = (
        in_memory
        if "http" not in label.lower() + ("http" if owner in {peers, peers.Peer} else "") or "without_http" in label
        else http_legacy
    )
    async with connect(make_server()) as client:
        untouched = await _use(client)
    transports._http.clear()
    monkeypatch.setattr(propagation, "_fields", None)
    telemetry = Telemetry(Capture(content=True))
    with telemetry.instrumented(client=True):
        calls = _replace(owner, attribute, monkeypatch)
        monkeypatch.setattr(guard, "reraise", False)
        async with connect(make_server()) as client:
            seen = await _use(client)
        telemetry.scrape_reader.render()
    assert seen == untouched
    assert calls, "this scenario does not reach the function, so it proves nothing"


def test_failure_is_logged_once_a_place_without_its_message(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "reraise", False)
    guard.failures.clear()

    @guarded
    def broken() -> None:
        raise KeyError("alice@example.com")

    with caplog.at_level(logging.WARNING):
        assert [broken() for _ in range(3)] == [None, None, None]
    assert list(guard.failures.values()) == [3]
    (record,) = caplog.records
    assert "KeyError" in record.getMessage()
    assert "alice@example.com" not in record.getMessage().replace('raise KeyError("alice@example.com")', "")


def test_guard_lets_interrupts_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "reraise", False)

    @guarded
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
