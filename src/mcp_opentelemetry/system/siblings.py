"""Which processes beside this one listen where it does: they share its socket, or have bound another to its address."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_TABLES: Final = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
_LISTENING: Final = " 0A "
_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")


class _Listener(NamedTuple):
    """A socket that somebody listens with: its address and port in hexadecimal, and its number."""

    address: str
    inode: str

    @property
    def port(self) -> int:
        """The port."""
        return int(self.address.rpartition(":")[2], 16)


def siblings_on(ports: Collection[int]) -> int:
    """Return how many other children of this process's parent listen where this process does; on Linux only.

    Not how many processes do: the parent holds the sockets that it has made, and so does a child that a tool forks.

    Args:
        ports: the ports that matter.
    """
    siblings = _children_of(os.getppid()) - {os.getpid()}
    if not siblings:
        return 0
    listeners = [listener for table in _TABLES for listener in _listeners(Path(table))]
    listeners = [listener for listener in listeners if listener.port in ports]
    own = _sockets_of(os.getpid())
    addresses = {listener.address for listener in listeners if listener.inode in own}
    shared = {listener.inode for listener in listeners if listener.address in addresses}
    return sum(1 for pid in siblings if shared & _sockets_of(pid))


def _listeners(table: Path) -> Iterator[_Listener]:
    with suppress(OSError):
        # First those that may be it: a busy server's table has thousands of lines.
        for line in (line for line in table.read_text().splitlines() if _LISTENING in line):
            _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
            if state == _LISTENING.strip():
                yield _Listener(local, inode)


def _children_of(pid: int) -> set[int]:
    # Not by psutil, which reads every process of the machine for that.
    children: set[int] = set()
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children.update(int(child) for child in (thread / "children").read_text().split())
    return children


def _sockets_of(pid: int) -> set[str]:
    found: set[str] = set()
    with suppress(OSError):  # another user's process, or one that has ended meanwhile
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                if match := _SOCKET.fullmatch(str(descriptor.readlink())):
                    found.add(match[1])
    return found
