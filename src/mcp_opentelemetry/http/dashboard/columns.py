"""The columns of the page's tables: which value each shows, and how. The page's script reads them from the headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, cast


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        title: its header.
        path: where its value is in a row, as keys with dots between.
        format: one of `FORMATS`.
    """

    title: str
    path: str
    format: str = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the page.

    Args:
        name: its element's id.
        path: where its rows are in the snapshot: a mapping, whose keys become `name` of each row, or a list.
        caption: what it shows.
        empty: what stands in its place when there is nothing.
        columns: from left to right; the first names the row.
    """

    name: str
    path: str
    caption: str
    empty: str
    columns: tuple[Column, ...]


_CALLS: Final = (
    Column("Calls", "requests", "count"),
    Column("Calls/min", "recent.per_minute", "rate"),
    Column("Errors", "recent.error_rate", "share"),
    Column("Kinds of errors", "recent.errors_by_type", "kinds"),
)
_TIMES: Final = (
    Column("Average", "response_stats.avg", "seconds"),
    Column("p50", "response_stats.median", "seconds"),
    Column("p95", "response_stats.p95", "seconds"),
    Column("p99", "response_stats.p99", "seconds"),
    Column("Min", "response_stats.min", "seconds"),
    Column("Max", "response_stats.max", "seconds"),
    Column("Last call", "last_call", "ago"),
)
_CALL: Final = (
    Column("Call", "call"),
    Column("When", "time", "ago"),
    Column("Took", "duration", "seconds"),
)
TABLES: Final = (
    Table(
        "tools",
        "by_tool",
        "Tools, over the last five minutes; calls since the start",
        "No tool has been called yet.",
        (Column("Tool", "name"), *_CALLS, Column("In flight", "in_flight", "count"), *_TIMES),
    ),
    Table(
        "checks",
        "health.checks",
        "Health checks",
        "No check has run yet.",
        (
            Column("Check", "name"),
            Column("Status", "status", "status"),
            Column("Why", "error"),
            Column("Since", "since", "ago"),
            Column("Took", "duration", "seconds"),
            Column("Failures in a row", "consecutive_failures", "count"),
        ),
    ),
    Table(
        "failed",
        "failed_calls",
        "Calls that failed, the last fifty",
        "No call has failed.",
        (*_CALL, Column("Error", "error_type"), Column("Trace", "trace_id", "trace")),
    ),
    Table(
        "slow",
        "slow_calls",
        "Calls that took a second or more, the last fifty",
        "No call was slow.",
        (*_CALL, Column("Trace", "trace_id", "trace")),
    ),
    Table(
        "methods",
        "by_method",
        "Other methods, over the last five minutes",
        "Nothing else has been asked for.",
        (Column("Method", "name"), *_CALLS[:2], *_TIMES),
    ),
    Table(
        "exporters",
        "exporters",
        "Export to the collector",
        "Nothing is exported: no endpoint is set.",
        (
            Column("Signal", "name"),
            Column("Last success", "last_success_age", "age"),
            Column("Failures in a row", "consecutive_failures", "count"),
            Column("Lost", "lost", "count"),
        ),
    ),
)
NUMBERS: Final = (
    Column("Uptime", "summary.uptime_minutes", "minutes"),
    Column("Calls", "summary.total_requests", "count"),
    Column("Calls/min", "summary.requests_per_minute", "rate"),
    Column("Errors, 5 min", "summary.error_rate", "share"),
    Column("In flight", "summary.in_flight", "count"),
    Column("Memory", "system.memory_percent", "percent"),
    Column("CPU", "system.cpu_percent", "percent"),
    Column("Disk", "system.disk_percent", "percent"),
)

_SHAPES: Final = {"healthy": "●", "degraded": "▲", "unhealthy": "■"}
_NOTHING: Final = "-"


def value_at(path: str, row: Mapping[str, Any]) -> Any:
    """Return the value at a path; `None` where there is none."""
    value: Any = row
    for key in path.split("."):
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return value


def shown(value: Any, kind: str) -> str:
    """Return a value as the page shows it; the script does the same.

    Args:
        value: what is shown; `None` for nothing.
        kind: the column's format.
    """
    if value is None or value == {}:
        return _NOTHING
    return FORMATS[kind](value)


def _fixed(value: float, digits: int) -> str:
    # As the script's `toFixed`: Python's formats round a tie to the even digit, and the page would flicker.
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _seconds(value: float) -> str:
    if value >= 1:
        return f"{_fixed(value, 2)} s"
    return f"{_fixed(value * 1000, 0 if value >= 0.01 else 2)} ms"  # noqa: PLR2004 (seconds)


def _age(value: float) -> str:
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if value < limit:
            return f"{_fixed(value / size, 0)} {unit}"
    return f"{_fixed(value / 86400, 0)} d"


def _ago(value: str) -> str:
    passed = (datetime.now(timezone.utc) - datetime.fromisoformat(value)).total_seconds()
    return f"{_age(max(0.0, passed))} ago"


def _kinds(value: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(value.items(), key=lambda item: (-item[1], item[0])))


FORMATS: Final[dict[str, Callable[[Any], str]]] = {
    "text": str,
    "count": lambda value: f"{value:,}".replace(",", " "),
    "rate": lambda value: _fixed(value, 1),
    "share": lambda value: f"{_fixed(value * 100, 1)} %",
    "percent": lambda value: f"{_fixed(value, 0)} %",
    "seconds": _seconds,
    "minutes": lambda value: _age(value * 60),
    "age": lambda value: f"{_age(value)} ago",
    "ago": _ago,
    "kinds": _kinds,
    "status": lambda value: f"{_SHAPES.get(value, '')} {value}",
    "trace": lambda value: value[:8],
}
