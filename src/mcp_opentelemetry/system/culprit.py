"""Who holds an event loop: the tool whose call is on the stack of its thread, and the line it is at.

A loop runs one task at a time, and the frames of everything that this task awaits are on the stack. So the operation is
found among the local variables of our own frames, and calls pay nothing for it.
"""

from __future__ import annotations

import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

    from mcp_opentelemetry.operations.operation import Operation

_OPERATION: Final = "operation"
_OURS: Final = str(Path(__file__).parents[1])
_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib")
_PACKAGES: Final = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))  # inside the standard library's


@dataclass(frozen=True, slots=True)
class Culprit:
    """What holds a loop.

    Args:
        method: the MCP method in progress.
        target: the tool or prompt in progress, a bounded name.
        where: `file:line` of the innermost frame that is the application's own, else of one of its packages.
    """

    method: str | None
    target: str | None
    where: str | None

    def __str__(self) -> str:
        call = " ".join(part for part in (self.method, self.target) if part) or "unknown work"
        return f"{call} at {self.where}" if self.where else call


def find_culprit(frame: FrameType | None) -> Culprit | None:
    """Return what a thread is at; `None` if it has no frame.

    Args:
        frame: the thread's innermost frame.
    """
    if frame is None:
        return None
    operation: Operation | None = None
    own: str | None = None
    package: str | None = None
    while frame is not None and operation is None:
        file = frame.f_code.co_filename
        here = f"{file}:{frame.f_lineno}"
        if file.startswith(_OURS):
            operation = frame.f_locals.get(_OPERATION)
        elif file.startswith(_PACKAGES):
            package = package or here
        elif not file.startswith((_STANDARD_LIBRARY, "<frozen")):
            own = own or here
        frame = frame.f_back
    where = own or package
    if operation is None:
        return Culprit(None, None, where)
    return Culprit(operation.message.method, operation.message.target, where)
