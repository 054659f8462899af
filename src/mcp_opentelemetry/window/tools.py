"""What the window knows of each tool: totals since the start, and the last five minutes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING

from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.window.distribution import EMPTY, Distribution, merge
from mcp_opentelemetry.window.window import REACH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_opentelemetry.window.window import Window


@dataclass(slots=True)
class ToolStats:
    """The calls of one tool, or of one method.

    Args:
        requests: calls since the start.
        errors: failed calls since the start, by kind.
        recent_requests: calls in the window.
        recent_errors: failed calls in the window, by kind.
        in_flight: calls in progress.
        measured: durations that were recorded since the start.
        seconds: their sum.
        durations: the durations in the window.
        last_call: when the last call ended, to within a slot; seconds since the epoch.
    """

    requests: int = 0
    errors: dict[str, int] = field(default_factory=dict[str, int])
    recent_requests: int = 0
    recent_errors: dict[str, int] = field(default_factory=dict[str, int])
    in_flight: int = 0
    measured: int = 0
    seconds: float = 0.0
    durations: Distribution = EMPTY
    last_call: float | None = None

    @property
    def average(self) -> float:
        """The mean duration since the start, in seconds; 0 without calls."""
        return self.seconds / self.measured if self.measured else 0.0

    def response_stats(self) -> dict[str, float | int]:
        """Return the durations in the window, in seconds; `bound` says how far median, p95 and p99 may be off."""
        spread = self.durations
        return {
            "avg": spread.average,
            "median": spread.quantile(0.5),
            "p95": spread.quantile(0.95),
            "p99": spread.quantile(0.99),
            "min": spread.low if spread.count else 0.0,
            "max": spread.high if spread.count else 0.0,
            "count": spread.count,
            "bound": spread.bound,
        }


def by_tool(window: Window) -> dict[str, ToolStats]:
    """Return the calls of each tool that was ever called."""
    tools: defaultdict[str, ToolStats] = defaultdict(ToolStats)
    recent = window.increases(semconv.REQUESTS)
    for key, track in window.tracks(semconv.REQUESTS).items():
        tool = tools[str(dict(key)[semconv.TOOL])]
        tool.requests += int(track.last)
        tool.recent_requests += round(recent.get(key, 0.0))
    recent = window.increases(semconv.ERRORS)
    for key, track in window.tracks(semconv.ERRORS).items():
        labels = dict(key)
        tool, kind = tools[str(labels[semconv.TOOL])], str(labels[semconv.ERROR_TYPE_LABEL])
        tool.errors[kind] = int(track.last)
        if failed := round(recent.get(key, 0.0)):
            tool.recent_errors[kind] = failed
    for key, track in window.tracks(semconv.ACTIVE_REQUESTS).items():
        name = dict(key).get(semconv.GEN_AI_TOOL_NAME)
        if name in tools:
            tools[str(name)].in_flight += int(track.last)
    _add_durations(window, tools, semconv.GEN_AI_TOOL_NAME)
    return dict(tools)


def by_method(window: Window) -> dict[str, ToolStats]:
    """Return what was handled by method; what has no tool has no errors by kind either."""
    methods: defaultdict[str, ToolStats] = defaultdict(ToolStats)
    for key, track in window.histograms(semconv.SERVER_OPERATION_DURATION).items():
        labels = dict(key)
        method = methods[str(labels.get(semconv.MCP_METHOD_NAME, semconv.OTHER))]
        method.requests += int(track.count.last)
        method.recent_requests += round(track.count.increase(window.now(), REACH))
        if kind := labels.get(semconv.ERROR_TYPE):
            method.errors[str(kind)] = method.errors.get(str(kind), 0) + int(track.count.last)
    _add_durations(window, methods, semconv.MCP_METHOD_NAME)
    return dict(methods)


def _add_durations(window: Window, stats: Mapping[str, ToolStats], label: str) -> None:
    """Add the durations of handled operations, grouped by an attribute, to the stats of those that have some."""
    recent = window.recent(semconv.SERVER_OPERATION_DURATION)
    spreads: defaultdict[str, list[Distribution]] = defaultdict(list)
    epoch = time() - window.now()
    for key, track in window.histograms(semconv.SERVER_OPERATION_DURATION).items():
        name = str(dict(key).get(label))
        if (own := stats.get(name)) is None:
            continue
        own.measured += int(track.count.last)
        own.seconds += track.total.last
        own.last_call = max(own.last_call or 0.0, epoch + track.last)
        if key in recent:
            spreads[name].append(recent[key])
    for name, parts in spreads.items():
        stats[name].durations = merge(parts)
