"""The dashboard's numbers as a dict: what `GET /dashboard` answers as JSON, and `snapshot()` and `stats()` in code."""

from __future__ import annotations

import math
import os
import sys
from datetime import datetime, timezone
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry import identity
from mcp_opentelemetry.health.report import make_report
from mcp_opentelemetry.operations.operation import get_operations
from mcp_opentelemetry.runtime import get_runtime
from mcp_opentelemetry.version import __version__
from mcp_opentelemetry.window.rings import FINE
from mcp_opentelemetry.window.tools import ToolStats, by_method, by_tool
from mcp_opentelemetry.window.window import REACH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_opentelemetry.operations.notable import NotableCall
    from mcp_opentelemetry.runtime import Runtime

SCHEMA_VERSION: Final = 1
_TOOLS_CALL: Final = "tools/call"


def snapshot() -> dict[str, Any]:
    """Return the numbers of the dashboard: totals since the start, rates and response times of the last five minutes.

    Blocks for some milliseconds, a tenth of a second where there are a thousand tools.
    """
    return make_snapshot(get_runtime())


def stats(tool: str) -> dict[str, Any]:
    """Return the numbers of one tool; all 0 if it was never called.

    Args:
        tool: its name.
    """
    runtime = get_runtime()
    window = runtime.monitor.window
    window.collect()
    return _of_stats(by_tool(window).get(tool, ToolStats()), runtime.uptime() or window.now())


def make_snapshot(runtime: Runtime, since: float = 0.0) -> dict[str, Any]:
    """Return the numbers of a runtime.

    Args:
        runtime: whose numbers.
        since: the history begins after this moment, in seconds since the epoch.
    """
    runtime.monitor.window.collect()
    tools = by_tool(runtime.monitor.window)
    methods = {name: stats for name, stats in by_method(runtime.monitor.window).items() if name != _TOOLS_CALL}
    report = make_report(runtime)
    system, uptime = report["system"], report["uptime"]
    # Tools may be called where no server serves, by functions of the application.
    age = uptime or runtime.monitor.window.now()
    return {
        "schema_version": SCHEMA_VERSION,
        "timestamp": report["timestamp"],
        "service": report["service"],
        "version": report["version"],
        "window": {"seconds": REACH, "slot": FINE.slot},
        "summary": _summary(tools.values(), uptime, age),
        "by_tool": {name: _of_stats(tools[name], age) for name in sorted(tools)},
        "by_method": {name: _of_stats(methods[name], age) for name in sorted(methods)},
        "system": {
            "memory_percent": system["memory_usage_percent"],
            "cpu_percent": system["cpu_usage_percent"],
            "disk_percent": system["disk_usage_percent"],
            "scope": system["scope"],
        },
        "health": {"status": report["status"], "phase": runtime.monitor.lifecycle.phase, "checks": report["checks"]},
        "alerts": _alerts(runtime),
        "rules": _rules(runtime),
        "delivery": runtime.alerting.delivery_status(),
        "exporters": _exporters(runtime),
        "failed_calls": _calls(get_operations().measurements.notable.failed, runtime),
        "slow_calls": _calls(get_operations().measurements.notable.slow, runtime),
        "history": runtime.monitor.history.columns(since),
        "worker": runtime.workers.shared(),
        "process": {
            "pid": os.getpid(),
            "instance": identity.instance(),
            "python": sys.version.split()[0],
            "mcp_opentelemetry": __version__,
        },
    }


def _summary(tools: Iterable[ToolStats], uptime: float, age: float) -> dict[str, Any]:
    tools = list(tools)
    requests, errors = sum(tool.requests for tool in tools), sum(sum(tool.errors.values()) for tool in tools)
    recent = sum(tool.recent_requests for tool in tools)
    recent_errors = sum(sum(tool.recent_errors.values()) for tool in tools)
    return {
        "total_requests": requests,
        "total_errors": errors,
        "error_rate": _share(recent_errors, recent),
        "total_error_rate": _share(errors, requests),
        "requests_per_minute": _per_minute(recent, age),
        "in_flight": sum(tool.in_flight for tool in tools),
        "uptime_minutes": round(uptime / 60, 3),
    }


def _of_stats(stats: ToolStats, age: float) -> dict[str, Any]:
    recent_errors = sum(stats.recent_errors.values())
    return {
        "requests": stats.requests,
        "errors": sum(stats.errors.values()),
        "errors_by_type": stats.errors,
        "avg_duration": stats.average,
        "in_flight": stats.in_flight,
        "last_call": None if stats.last_call is None else _stamp(stats.last_call),
        "response_stats": stats.response_stats(),
        "recent": {
            "requests": stats.recent_requests,
            "errors": recent_errors,
            "per_minute": _per_minute(stats.recent_requests, age),
            "error_rate": _share(recent_errors, stats.recent_requests),
            "errors_by_type": stats.recent_errors,
        },
    }


def _alerts(runtime: Runtime) -> list[dict[str, Any]]:
    """Return alerts, those that fire first."""
    order = {"firing": 0, "pending": 1, "resolved": 2}
    return [
        {
            "name": alert.name,
            "state": alert.state,
            "severity": alert.severity,
            "summary": alert.annotations.get("summary", ""),
            "value": alert.value if math.isfinite(alert.value) else None,
            "labels": dict(alert.labels),
            "active_since": _stamp(alert.active_since),
            "fired_at": None if alert.fired_at is None else _stamp(alert.fired_at),
            "resolved_at": None if alert.resolved_at is None else _stamp(alert.resolved_at),
        }
        for alert in sorted(runtime.alerting.alerts(), key=lambda alert: (order[alert.state], alert.name))
    ]


def _rules(runtime: Runtime) -> list[dict[str, Any]]:
    """Return rules and conditions, with what became of their last evaluation."""
    rules = [
        {"name": rule.name, "group": group.name, "health": status.health, "error": status.error}
        for evaluator in runtime.alerting.evaluators()
        for group, rule, status in evaluator.engine.statuses()
    ]
    conditions = [
        {"name": name, "group": "conditions", "health": "error" if error else "ok", "error": error}
        for evaluator in runtime.alerting.evaluators()
        for name, error in evaluator.condition_states().items()
    ]
    return rules + conditions


def _exporters(runtime: Runtime) -> dict[str, Any]:
    now = monotonic()
    return {name: signal.details(now) for name, signal in runtime.monitor.exports.by_signal().items()}


def _calls(calls: Iterable[NotableCall], runtime: Runtime) -> list[dict[str, Any]]:
    """Return calls, the newest first."""
    template = runtime.settings.trace_url
    return [
        {
            "time": _stamp(call.ended),
            "call": call.name,
            "duration": round(call.duration, 6),
            "error_type": call.error_type,
            "trace_id": call.trace_id,
            "trace_url": template.replace("{trace_id}", call.trace_id) if template and call.trace_id else None,
        }
        for call in reversed(list(calls))
    ]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _per_minute(recent: int, age: float) -> float:
    seconds = min(age, REACH)
    return round(recent * 60 / seconds, 3) if seconds > 0 else 0.0


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
