"""Counts kept as plain integers and read by observable instruments.

A synchronous counter costs a tool call more than everything else we do together (reference: 98,000 of
295,000 instructions each), because the SDK aggregates it once per reader on the spot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation

from mcp_opentelemetry.operations import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.metrics import CallbackOptions, Meter

# Error classes are code, not data, but a proxy may raise what its peer dictates.
_MOST_ERROR_TYPES = 100


@dataclass(slots=True)
class Active:
    """Requests of one kind that are being handled now."""

    attributes: dict[str, str]
    value: int = 0


@dataclass(slots=True)
class ToolCalls:
    """Calls of one tool since the start."""

    tool: str
    succeeded: int = 0
    result_bytes: int = 0
    errors: dict[str, int] = field(default_factory=dict[str, int])


class Tallies:
    """All counts of one process: requests, errors and active requests."""

    def __init__(self, meter: Meter) -> None:
        self.count_from_zero()
        meter.create_observable_counter(
            semconv.REQUESTS, [self._observe_requests], "{request}", "Tool calls by tool and status."
        )
        meter.create_observable_counter(
            semconv.ERRORS, [self._observe_errors], "{error}", "Failed tool calls by tool and kind of error."
        )
        meter.create_observable_up_down_counter(
            semconv.ACTIVE_REQUESTS, [self._observe_active], "{request}", "Requests being handled now."
        )

        meter.create_observable_counter(
            semconv.RESPONSE_SIZE, [self._observe_sizes], "By", "Bytes of the content of tools' results."
        )
        meter.create_observable_up_down_counter(
            semconv.ACTIVE_SESSIONS, [self._observe_sessions], "{session}", "Sessions that are open now."
        )

    def count_from_zero(self) -> None:
        """Begin to count; again in a forked child, whose parent reports what it has counted itself."""
        self._lock = Lock()
        self._active: dict[tuple[str, str | None], Active] = {}
        self._tools: dict[str, ToolCalls] = {}
        self._error_types: set[str] = set()
        self._sessions: dict[str | None, int] = {}

    def active(self, method: str, tool: str | None) -> Active:
        """Return the count of requests of this method and tool in progress; both must be bounded names."""
        attributes = {semconv.MCP_METHOD_NAME: method}
        if tool is not None:
            attributes[semconv.GEN_AI_TOOL_NAME] = tool
        with self._lock:
            return self._active.setdefault((method, tool), Active(attributes))

    def tool(self, name: str) -> ToolCalls:
        """Return the count of calls of a tool; the name must be bounded."""
        with self._lock:
            return self._tools.setdefault(name, ToolCalls(name))

    def started(self, active: Active) -> None:
        """Count a request in."""
        with self._lock:
            active.value += 1

    def finished(
        self, active: Active | None, tool: ToolCalls | None, failure: str | None, result_bytes: int = 0
    ) -> None:
        """Count a request out, and the call it was.

        Args:
            active: where it was counted in; `None` for a call that is no MCP request.
            tool: the calls it belongs to; `None` unless it was a tool call.
            failure: the kind of error; `None` if it succeeded.
            result_bytes: the size of its result.
        """
        with self._lock:
            if active is not None:
                active.value -= 1
            if tool is None:
                return
            tool.result_bytes += result_bytes
            if failure is None:
                tool.succeeded += 1
                return
            failure = self._bounded(failure)
            tool.errors[failure] = tool.errors.get(failure, 0) + 1

    def session_changed(self, transport: str | None, change: int) -> None:
        """Count a session in or out.

        Args:
            transport: `network.transport`, if that is known.
            change: 1 or -1.
        """
        with self._lock:
            self._sessions[transport] = self._sessions.get(transport, 0) + change

    def _bounded(self, failure: str) -> str:
        if failure in self._error_types or len(self._error_types) < _MOST_ERROR_TYPES:
            self._error_types.add(failure)
            return failure
        return semconv.OTHER

    def _observe_requests(self, _: CallbackOptions) -> Iterable[Observation]:
        # Both series from the first call on: a ratio over a series that does not exist is no number.
        for tool, succeeded, errors, _size in self._calls():
            yield Observation(succeeded, {semconv.TOOL: tool, semconv.STATUS: "success"})
            yield Observation(sum(errors.values()), {semconv.TOOL: tool, semconv.STATUS: "error"})

    def _observe_errors(self, _: CallbackOptions) -> Iterable[Observation]:
        for tool, _succeeded, errors, _size in self._calls():
            for error_type, count in errors.items():
                yield Observation(count, {semconv.TOOL: tool, semconv.ERROR_TYPE_LABEL: error_type})

    def _observe_active(self, _: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            return [Observation(active.value, active.attributes) for active in self._active.values()]

    def _observe_sizes(self, _: CallbackOptions) -> Iterable[Observation]:
        for tool, _succeeded, _errors, size in self._calls():
            yield Observation(size, {semconv.TOOL: tool})

    def _observe_sessions(self, _: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            sessions = list(self._sessions.items())
        for transport, count in sessions:
            yield Observation(count, {} if transport is None else {semconv.NETWORK_TRANSPORT: transport})

    def _calls(self) -> list[tuple[str, int, dict[str, int], int]]:
        with self._lock:
            return [
                (calls.tool, calls.succeeded, dict(calls.errors), calls.result_bytes) for calls in self._tools.values()
            ]
