"""Vitals of an invented machine."""

from __future__ import annotations

from typing import Any, Final

from mcp_opentelemetry.system.vitals import Cpu, Filesystem, Process, Scope, Share, Vitals

DISK: Final = Filesystem("/", "/dev/sda1", "ext4", used=40, free=40, total=100)
PROCESS: Final = Process(
    cpu={"user": 3.0, "system": 1.0},
    resident=250,
    virtual=900,
    threads=7,
    descriptors=20,
    descriptor_limit=80,
    uptime=12.5,
)


def vitals(taken: float, busy: float = 0.0, available: float = 2.0, scope: Scope = "host", **others: Any) -> Vitals:
    """Return one reading; `others` replaces parts of it."""
    parts: dict[str, Any] = {
        "memory": Share(500, 1000, "cgroup"),
        "cpu": Cpu(busy, available, scope),
        "process": PROCESS,
        "cpu_times": {"user": 6.0, "idle": 20.0},
        "swap": Share(10, 40),
        "filesystems": (DISK,),
        "network": {"transmit": 11, "receive": 22},
        "disk": {"read": 33, "write": 44},
    }
    return Vitals(taken, **(parts | others))
