"""The tables of the page: which value each column shows, and how. The page's script reads it from the headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


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
        "alerts",
        "alerts",
        "Alerts",
        "No alert is pending or firing.",
        (
            Column("Alert", "name"),
            Column("State", "state", "status"),
            Column("Severity", "severity"),
            Column("What", "summary"),
            Column("Since", "active_since", "ago"),
        ),
    ),
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
    Table(
        "receivers",
        "delivery.receivers",
        "Delivery of alerts",
        "Alerts go to the log only.",
        (
            Column("Receiver", "name"),
            Column("Sent", "sent", "count"),
            Column("Waiting", "queued", "count"),
            Column("Failed", "failed", "count"),
            Column("Last error", "last_error"),
        ),
    ),
    Table(
        "rules",
        "rules",
        "Alert rules",
        "There are no alert rules.",
        (
            Column("Rule", "name"),
            Column("Group", "group"),
            Column("Health", "health", "status"),
            Column("Error", "error"),
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
