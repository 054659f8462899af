"""Reads the vitals: psutil for what it knows, control groups for what limits a container.

`psutil.cpu_percent` remembers its last call, so the second of two readers would be told nonsense: the times are read
here, and a utilisation is the difference of two readings.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psutil

from mcp_opentelemetry.system.cgroup import cpu_limit, memory_limit
from mcp_opentelemetry.system.vitals import Cpu, Filesystem, Process, Share, Vitals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

_IDLE: Final = ("idle", "iowait")
# In psutil's words for Linux; guests' time is part of `user` there.
_NO_MODE: Final = ("guest", "guest_nice")
_MODES: Final = {"irq": "interrupt", "softirq": "interrupt"}


def read_vitals(directories: Iterable[str] = (), root: Path = Path("/")) -> Vitals:
    """Read everything once; takes about 2 ms, and longer where a file system does not answer.

    Args:
        directories: whose file systems are read, besides that of the working directory.
        root: where the control groups are looked for.
    """
    return Vitals(
        taken=time.monotonic(),
        memory=_or_none(lambda: _memory(root)),
        cpu=_or_none(lambda: _cpu(root)),
        process=_or_none(_process),
        cpu_times=_or_none(_cpu_times) or {},
        swap=_or_none(_swap),
        network=_or_none(_network) or {},
        disk=_or_none(_disk) or {},
        filesystems=_or_none(lambda: _filesystems(directories)) or (),
    )


def _or_none(read: Callable[[], T]) -> T | None:
    # A container hides parts of /proc, and each platform lacks something: what is left is still the truth.
    try:
        return read()
    except (OSError, psutil.Error, AttributeError, NotImplementedError, RuntimeError, ValueError):
        return None


def _memory(root: Path) -> Share:
    host = psutil.virtual_memory()
    limit = memory_limit(root)
    if limit is not None and limit.limit < host.total:
        return Share(limit.used, limit.limit, "cgroup")
    return Share(host.total - host.available, host.total)


def _cpu(root: Path) -> Cpu:
    count = psutil.cpu_count() or 1
    limit = cpu_limit(root)
    if limit is not None and limit.cpus < count:
        return Cpu(limit.used, limit.cpus, "cgroup")
    times = _cpu_times()
    return Cpu(sum(seconds for mode, seconds in times.items() if mode not in _IDLE), count, "host")


def _cpu_times() -> dict[str, float]:
    """Return seconds by `cpu.mode`."""
    times: dict[str, float] = {}
    for name, seconds in psutil.cpu_times()._asdict().items():
        if name not in _NO_MODE:
            mode = _MODES.get(name, name)
            times[mode] = times.get(mode, 0.0) + seconds
    return times


def _swap() -> Share:
    swap = psutil.swap_memory()
    return Share(swap.used, swap.total)


def _network() -> dict[str, int]:
    # The sum: a node has an interface for each of its containers.
    counters = psutil.net_io_counters()
    return {"transmit": counters.bytes_sent, "receive": counters.bytes_recv} if counters else {}


def _disk() -> dict[str, int]:
    counters = psutil.disk_io_counters()
    return {"read": counters.read_bytes, "write": counters.write_bytes} if counters else {}


def _filesystems(directories: Iterable[str]) -> tuple[Filesystem, ...]:
    partitions = {partition.mountpoint: partition for partition in psutil.disk_partitions(all=True)}
    found: dict[str, Filesystem] = {}
    for directory in (os.getcwd(), *directories):  # noqa: PTH109 (text, as psutil has it)
        mountpoint = _mountpoint(directory)
        if mountpoint not in found:
            usage = psutil.disk_usage(mountpoint)  # the directory itself may not have been made yet
            partition: Any = partitions.get(mountpoint)
            found[mountpoint] = Filesystem(
                mountpoint,
                getattr(partition, "device", ""),
                getattr(partition, "fstype", ""),
                usage.used,
                usage.free,
                usage.total,
            )
    return tuple(found.values())


def _mountpoint(directory: str) -> str:
    path = Path(directory).resolve()
    while not os.path.ismount(path):
        path = path.parent
    return str(path)


def _process() -> Process:
    process = psutil.Process()
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
        return Process(
            cpu={"user": times.user, "system": times.system},
            resident=memory.rss,
            virtual=memory.vms,
            threads=process.num_threads(),
            descriptors=_or_none(lambda: process.num_fds()),  # noqa: PLW0108 (there is none on Windows)
            descriptor_limit=_or_none(lambda: _descriptor_limit(process)),
            uptime=max(0.0, time.time() - process.create_time()),
        )


def _descriptor_limit(process: psutil.Process) -> int | None:
    soft, _hard = process.rlimit(psutil.RLIMIT_NOFILE)
    return soft if soft > 0 else None  # -1: unlimited
