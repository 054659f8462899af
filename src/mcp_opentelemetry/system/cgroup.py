"""Limits of the control group that this process is in: psutil reports the host, which a container never sees.

Both versions and the hybrid of them. Limits are hierarchical, so every group up to the mount point counts. The rules
are the kernel's: https://docs.kernel.org/admin-guide/cgroup-v2.html and .../cgroup-v1/memory.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# Version 1 says "no limit" with the largest number of pages that a word can hold; nothing real is this large (bytes).
_NO_LIMIT: Final = 2**60
_OCTAL: Final = re.compile(r"\\([0-3][0-7]{2})")
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}")  # 64 bits
_MEMBERSHIP: Final = re.compile(r"(\d+):([^:]*):(.*)")
_MOUNT: Final = re.compile(r"\S+ \S+ \S+ (\S+) (\S+) .*- (cgroup2?) \S+ (\S+)")


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """A limit of memory and how much of it is in use, without the page cache that the kernel would give back.

    Args:
        used: bytes.
        limit: bytes.
        source: the directory of the group that has the limit.
    """

    used: int
    limit: int
    source: str


@dataclass(frozen=True, slots=True)
class CpuLimit:
    """A limit of processor time and how much the group has used since it exists.

    Args:
        cpus: how many processors' worth of time it may use.
        used: seconds of processor time.
        source: the directory of the group that has the limit.
    """

    cpus: float
    used: float
    source: str


def memory_limit(root: Path = Path("/")) -> MemoryLimit | None:
    """Return the smallest limit of memory that holds for this process; `None` without one.

    Args:
        root: where `/proc` and the mount points are looked for.
    """
    limits = [limit for group in _groups(root, "memory") if (limit := _memory_of(group))]
    return min(limits, key=lambda limit: limit.limit, default=None)


def cpu_limit(root: Path = Path("/")) -> CpuLimit | None:
    """Return the smallest limit of processor time that holds for this process; `None` without one.

    Args:
        root: where `/proc` and the mount points are looked for.
    """
    accounts = list(_groups(root, "cpuacct"))
    limits = [limit for group in _groups(root, "cpu") if (limit := _cpu_of(group, accounts))]
    return min(limits, key=lambda limit: limit.cpus, default=None)


@dataclass(frozen=True, slots=True)
class _Group:
    """One group on the way from that of this process up to the mount point; `path` is what it is below that."""

    directory: Path
    path: str


def _groups(root: Path, controller: str) -> Iterator[_Group]:
    """Return the groups of a controller that this process is in, in both hierarchies, the innermost first."""
    paths = _paths(root, controller)
    for is_v2, mount_root, mount_point in _mounts(root, controller):
        path = paths.get(is_v2)
        if path is None:
            continue
        mount = root / mount_point.lstrip("/")
        parts = _below(path, mount_root)
        for depth in range(len(parts), -1, -1):
            yield _Group(mount.joinpath(*parts[:depth]), "/".join(parts[:depth]))


def _paths(root: Path, controller: str) -> dict[bool, str]:
    """Return this process' path in the hierarchy of version 2 (`True`) and in the controller's own of version 1."""
    paths: dict[bool, str] = {}
    for line in _lines(root / "proc/self/cgroup"):
        if not (membership := _MEMBERSHIP.fullmatch(line)):
            continue
        hierarchy, controllers, path = membership.groups()
        if hierarchy == "0" and not controllers:
            paths[True] = path
        elif controller in controllers.split(","):
            paths[False] = path
    return paths


def _mounts(root: Path, controller: str) -> Iterator[tuple[bool, str, str]]:
    """Return the mounts that may show the controller: whether of version 2, what they show, and where."""
    for line in _lines(root / "proc/self/mountinfo"):
        if not (mount := _MOUNT.fullmatch(line)):
            continue
        shown, point, kind, options = mount.groups()
        if kind == "cgroup2" or controller in options.split(","):
            yield kind == "cgroup2", _unescaped(shown), _unescaped(point)


def _below(path: str, mount_root: str) -> tuple[str, ...]:
    """Return the part of a path that is below what a mount shows; none where it is outside, as in a container."""
    parts, shown = path.strip("/").split("/"), mount_root.strip("/").split("/")
    parts, shown = [part for part in parts if part], [part for part in shown if part]
    if ".." in parts or parts[: len(shown)] != shown:
        return ()
    return tuple(parts[len(shown) :])


def _memory_of(group: _Group) -> MemoryLimit | None:
    directory = group.directory
    limit = _number(directory / "memory.max")
    if limit is not None:
        used, cache = _number(directory / "memory.current"), "inactive_file"
    else:
        limit = _number(directory / "memory.limit_in_bytes")
        used, cache = _number(directory / "memory.usage_in_bytes"), "total_inactive_file"
    if limit is None or used is None or not 0 < limit < _NO_LIMIT:
        return None
    reclaimable = _fields(directory / "memory.stat").get(cache, 0)
    return MemoryLimit(max(0, used - reclaimable), limit, str(directory))


def _cpu_of(group: _Group, accounts: list[_Group]) -> CpuLimit | None:
    directory = group.directory
    if maximum := _text(directory / "cpu.max").split():
        quota, period = _integer(maximum[0]), _integer(maximum[-1])
        used = _fields(directory / "cpu.stat").get("usage_usec")
        seconds = None if used is None else used / 1e6
    else:
        quota, period = _number(directory / "cpu.cfs_quota_us"), _number(directory / "cpu.cfs_period_us")
        # Time is counted by another controller, which may be mounted elsewhere.
        counted = (_number(account.directory / "cpuacct.usage") for account in accounts if account.path == group.path)
        used = next((nanoseconds for nanoseconds in counted if nanoseconds is not None), None)
        seconds = None if used is None else used / 1e9
    if quota is None or period is None or seconds is None or quota <= 0 or period <= 0:
        return None
    return CpuLimit(quota / period, seconds, str(directory))


def _fields(path: Path) -> dict[str, int]:
    pairs = (line.partition(" ") for line in _lines(path))
    return {key: number for key, _, value in pairs if (number := _integer(value)) is not None}


def _number(path: Path) -> int | None:
    return _integer(_text(path).strip())


def _integer(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None  # "max" is no limit


def _lines(path: Path) -> list[str]:
    return _text(path).splitlines()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, ValueError):  # ValueError: no file system has such a name
        return ""


def _unescaped(field: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)
