"""A receiver as a setting names it."""

from __future__ import annotations

from typing import Any

from mcp_opentelemetry.alerts.receivers.entries import read_receivers
from tests.waiting import DEADLINE

TERMS: Any = {"timeout": DEADLINE, "valid_until": 2_000.0}
SECRET = "hunter2XYZ0123456789"


def receiver(entry: str) -> Any:
    (only,) = read_receivers(entry)
    return only
