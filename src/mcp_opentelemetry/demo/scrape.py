"""What the server says of itself: `/readyz`, `/health` and `/metrics`, read as any monitoring would."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Final
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from anyio import to_thread
from prometheus_client.parser import text_string_to_metric_families

from mcp_opentelemetry.demo.failure import DemoError

_TIMEOUT_SECONDS: Final = 5.0

# Without the proxies of the environment, which cannot reach this machine's loopback.
_opener = build_opener(ProxyHandler({}))


@dataclass(slots=True)
class Calls:
    """What is known of calls, of one tool or of all."""

    count: int = 0
    errors: int = 0
    seconds: float = 0.0
    timed: int = 0

    @property
    def average(self) -> float | None:
        """The average duration in seconds, once there is one."""
        return self.seconds / self.timed if self.timed else None


@dataclass(slots=True)
class Numbers:
    """One reading."""

    uptime: float = 0.0
    all: Calls = field(default_factory=Calls)
    by_tool: dict[str, Calls] = field(default_factory=dict[str, Calls])
    errors: Counter[str] = field(default_factory=Counter[str])
    """How many there were of each kind."""


async def is_ready(url: str) -> bool:
    """Return whether the server at that address takes calls."""
    try:
        await _get(f"{url}/readyz")
    except DemoError:
        return False
    return True


async def read_numbers(url: str) -> Numbers:
    """Return what the server at that address has counted."""
    numbers = parse(await _get(f"{url}/metrics"))
    numbers.uptime = json.loads(await _get(f"{url}/health"))["uptime"]
    return numbers


def parse(text: str) -> Numbers:
    """Return the numbers in a text of Prometheus' format."""
    numbers = Numbers()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            _add(numbers, sample.name, sample.labels, sample.value)
    return numbers


def _add(numbers: Numbers, name: str, labels: dict[str, str], value: float) -> None:
    if name == "mcp_errors_total":
        numbers.errors[labels["error_type"]] += int(value)
        return
    tool = labels.get("tool") or labels.get("gen_ai_tool_name")
    if not tool:  # the duration of something else than a call
        return
    for calls in (numbers.all, numbers.by_tool.setdefault(tool, Calls())):
        match name:
            case "mcp_requests_total":
                calls.count += int(value)
                calls.errors += int(value) if labels["status"] == "error" else 0
            case "mcp_server_operation_duration_seconds_sum":
                calls.seconds += value
            case "mcp_server_operation_duration_seconds_count":
                calls.timed += int(value)
            case _:
                pass


async def _get(url: str) -> str:
    return await to_thread.run_sync(_get_blocking, url, abandon_on_cancel=True)


def _get_blocking(url: str) -> str:
    try:
        with _opener.open(url, timeout=_TIMEOUT_SECONDS) as answer:
            return answer.read().decode()
    except OSError as error:
        if isinstance(error, HTTPError):
            error.close()  # it holds the connection
        raise DemoError(f"{url} does not answer: {error}") from error
