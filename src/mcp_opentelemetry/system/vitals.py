"""What the vitals of a process are, and of what it runs on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Scope = Literal["cgroup", "host"]


@dataclass(frozen=True, slots=True)
class Share:
    """How much of something is in use: `used` and `total` in bytes; the total is the host's or a group's limit."""

    used: int
    total: int
    scope: Scope = "host"

    @property
    def ratio(self) -> float:
        """The share in use, 0 to 1."""
        # A group may be above its limit for a moment.
        return min(1.0, self.used / self.total) if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Cpu:
    """Processor time since some start: of the group where that has a limit, else of the host.

    Args:
        busy: seconds.
        available: processors' worth of time that could have been used.
        scope: what is limited.
    """

    busy: float
    available: float
    scope: Scope


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A file system that matters to the process; sizes in bytes."""

    mountpoint: str
    device: str
    kind: str
    used: int
    free: int
    total: int

    @property
    def ratio(self) -> float:
        """The share of what users may fill that is in use, 0 to 1."""
        return self.used / (self.used + self.free) if self.used + self.free else 0.0


@dataclass(frozen=True, slots=True)
class Process:
    """This process: times and uptime in seconds, sizes in bytes; `None` where the platform has no such thing."""

    cpu: dict[str, float]
    resident: int
    virtual: int
    threads: int
    descriptors: int | None
    descriptor_limit: int | None
    uptime: float


@dataclass(frozen=True, slots=True)
class Vitals:
    """One reading of everything; what cannot be read is left out."""

    taken: float
    memory: Share | None
    cpu: Cpu | None
    process: Process | None
    cpu_times: dict[str, float] = field(default_factory=dict[str, float])
    swap: Share | None = None
    filesystems: tuple[Filesystem, ...] = ()
    network: dict[str, int] = field(default_factory=dict[str, int])
    disk: dict[str, int] = field(default_factory=dict[str, int])
