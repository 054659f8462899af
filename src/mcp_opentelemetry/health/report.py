"""What `/health` says to those who may know, as the JSON schema beside this file describes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, cast

from mcp_opentelemetry.redaction import scrub, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_opentelemetry.health.state import CheckState
    from mcp_opentelemetry.runtime import Runtime
    from mcp_opentelemetry.system.sampler import Sample

NO_RESULT = "no result yet"

_LEVELS: Final = 5  # of details: a check may return what contains itself


def make_report(runtime: Runtime) -> dict[str, Any]:
    """Return the report of `/health`."""
    monitor = runtime.monitor
    return {
        "status": str(monitor.health.status()),
        "timestamp": datetime.now(timezone.utc).isoformat(),
        "service": runtime.service(),
        "version": runtime.version(),
        "uptime": runtime.uptime(),
        "system": of_system(monitor.sampler.last),
        "alerts": [alert.name for alert in runtime.alerting.alerts() if alert.state == "firing"],
        "checks": of_checks(monitor.health.states(), with_messages=runtime.settings.capture != "none"),
    }


def of_checks(states: Iterable[CheckState], *, with_messages: bool) -> dict[str, dict[str, Any]]:
    """Return each check by name.

    Args:
        states: what is known of them.
        with_messages: whether what checks of the user's say in their own words may be shown, secrets taken out.
    """
    return {state.name: _of_check(state, with_messages=with_messages) for state in states}


def of_system(sample: Sample | None) -> dict[str, Any]:
    """Return the usage of the system in percent; `None` for what cannot be read."""
    vitals = None if sample is None else sample.vitals
    memory = None if vitals is None else vitals.memory
    cpu = None if vitals is None else vitals.cpu
    fullest = max((disk.ratio for disk in vitals.filesystems), default=None) if vitals is not None else None
    is_limited = "cgroup" in {part.scope for part in (memory, cpu) if part is not None}
    return {
        "memory_usage_percent": _percent(None if memory is None else memory.ratio),
        "cpu_usage_percent": _percent(None if sample is None else sample.cpu),
        "disk_usage_percent": _percent(fullest),
        "scope": "cgroup" if is_limited else "host",
    }


def _of_check(state: CheckState, *, with_messages: bool) -> dict[str, Any]:
    check, verdict, age = state.check, state.verdict, state.age()
    report: dict[str, Any] = {"status": str(state.status)}
    if check is not None:
        report["critical"] = check.critical
    if verdict is None or age is None:
        return {**report, "error": NO_RESULT}
    report |= {
        "time": _stamp(state.taken),
        "age": round(age, 3),
        "duration": round(state.duration, 6),
        "since": _stamp(state.since),
        "consecutive_failures": state.consecutive_failures,
        "last_success": None if state.last_success is None else _stamp(state.last_success),
    }
    if state.is_stuck and state.run is not None:
        report["stuck_for"] = round(state.run.seconds(), 3)
    if verdict.error is not None:
        report["error"] = verdict.error
    if verdict.message is not None and with_messages:
        report["message"] = _text(verdict.message)
    if verdict.details and check is None:
        report |= verdict.details
    elif verdict.details and with_messages:
        report["details"] = without_secrets(_plain(verdict.details))
    return report


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio * 100, 2)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def _plain(value: object, levels: int = _LEVELS) -> Any:
    """Return what JSON can say of a value."""
    if levels and isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {_text(str(key)): _plain(item, levels - 1) for key, item in items}
    if levels and isinstance(value, list | tuple):
        return [_plain(item, levels - 1) for item in cast("Iterable[object]", value)]
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return type(value).__name__


def _text(text: str) -> str:
    # Names of files may have halves of surrogate pairs, which cannot be sent.
    return scrub(text).encode("utf-8", "replace").decode()
