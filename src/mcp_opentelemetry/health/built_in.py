"""The checks that come with the package; none of them takes a server out of rotation, which load must not do."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.health.verdict import Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_opentelemetry.config import Settings
    from mcp_opentelemetry.exports import Exports
    from mcp_opentelemetry.system.event_loop import EventLoops
    from mcp_opentelemetry.system.sampler import Sample, Sampler

_SUSTAINED: Final = 60.0  # seconds that the processors have to be busy
_STALE: Final = 30.0  # seconds after which a sample is no news any more: a file system hangs, most likely
_LATE: Final = 1.0  # seconds of delay of the event loop that are worth a word


def built_in_checks(
    settings: Callable[[], Settings], sampler: Sampler, loops: EventLoops, exports: Exports
) -> Mapping[str, Callable[[], Verdict | None]]:
    """Return the checks by name.

    Args:
        settings: returns the thresholds.
        sampler: the vitals.
        loops: the event loops that serve.
        exports: what has become of the exports.
    """
    return {
        "memory": lambda: _memory(sampler.last, settings().health_memory_limit),
        "cpu": lambda: _cpu(sampler, settings().health_cpu_limit),
        "disk": lambda: _disk(sampler.last, settings().health_disk_limit),
        "event_loop": lambda: _event_loop(loops, settings().health_loop_limit),
        "file_descriptors": lambda: _descriptors(sampler.last, settings().health_descriptor_limit),
        "exporters": lambda: _exporters(exports),
    }


def _memory(sample: Sample | None, limit: float) -> Verdict | None:
    if sample is None or (memory := sample.vitals.memory) is None:
        return None
    details = {"usage": _ratio(memory.ratio), "used": memory.used, "total": memory.total, "scope": memory.scope}
    return _against(memory.ratio, limit, details, sample)


def _cpu(sampler: Sampler, limit: float) -> Verdict | None:
    sample = sampler.last
    if sample is None or sample.cpu is None or sample.vitals.cpu is None:
        return None
    details = {"usage": _ratio(sample.cpu), "scope": sample.vitals.cpu.scope}
    return _against(sampler.lowest_cpu(_SUSTAINED) or 0.0, limit, details, sample)


def _disk(sample: Sample | None, limit: float) -> Verdict | None:
    if sample is None or not sample.vitals.filesystems:
        return None
    fullest = max(sample.vitals.filesystems, key=lambda filesystem: filesystem.ratio)
    details = {"usage": _ratio(fullest.ratio), "mountpoint": fullest.mountpoint, "free": fullest.free}
    return _against(fullest.ratio, limit, details, sample)


def _descriptors(sample: Sample | None, limit: float) -> Verdict | None:
    process = None if sample is None else sample.vitals.process
    if sample is None or process is None or process.descriptors is None or process.descriptor_limit is None:
        return None
    usage = process.descriptors / process.descriptor_limit
    details = {"usage": _ratio(usage), "open": process.descriptors, "allowed": process.descriptor_limit}
    return _against(usage, limit, details, sample)


def _event_loop(loops: EventLoops, limit: float) -> Verdict | None:
    block, lag = loops.block(), loops.lag()
    if block is None:
        return None
    details: dict[str, Any] = {"lag": round(lag or 0.0, 3), "limit": limit}
    if block.seconds > _LATE and block.culprit is not None:
        details["blocked_by"] = str(block.culprit)
    if block.seconds <= limit:
        return Verdict(Status.HEALTHY, details=details)
    details["blocked_for"] = round(block.seconds, 3)
    return Verdict(Status.UNHEALTHY, f"blocked by {block.culprit}", details=details)


def _exporters(exports: Exports) -> Verdict | None:
    signals = exports.by_signal()
    if not signals:
        return None
    now = monotonic()
    details = {name: signal.details(now) for name, signal in signals.items()}
    failing = [name for name, signal in signals.items() if signal.failures]
    dropping = [name for name, signal in signals.items() if signal.drops_recently(now)]
    if not failing and not dropping:
        return Verdict(Status.HEALTHY, details=details)
    words = [f"{', '.join(failing)} not delivered"] if failing else []
    words += [f"{', '.join(dropping)} dropped"] if dropping else []
    # Telemetry is lost, the server is as good as ever.
    return Verdict(Status.DEGRADED, "; ".join(words), details=details)


def _against(value: float, limit: float, details: Mapping[str, Any], sample: Sample) -> Verdict:
    details = {**details, "limit": limit}
    age = monotonic() - sample.vitals.taken
    if limit <= 1 and age > _STALE:
        return Verdict(Status.DEGRADED, f"not read for {age:.0f} s", details=details)
    if limit <= 1 and value > limit:
        return Verdict(Status.UNHEALTHY, f"above {limit:.0%}", details=details)
    return Verdict(Status.HEALTHY, details=details)


def _ratio(value: float) -> float:
    return round(value, 4)
