"""`@health_check`: the user's own checks, registered and removed at any time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mcp_opentelemetry.health.verdict import Status

if TYPE_CHECKING:
    from types import CodeType

F = TypeVar("F", bound=Callable[[], Any])

BUILT_IN: Final = ("memory", "cpu", "disk", "event_loop", "file_descriptors", "exporters")
_LONGEST_NAME: Final = 100  # characters: the name is a metric label


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the user's; `health_check` says what each part means."""

    name: str
    function: Callable[[], Any]
    critical: bool = False
    timeout: float = 1.0
    ttl: float = 5.0
    failure_threshold: int = 1
    success_threshold: int = 1

    def __post_init__(self) -> None:
        if not self.name or not self.name.isprintable() or len(self.name) > _LONGEST_NAME:
            raise ValueError(f"health check {self.name!r}: a name has 1 to {_LONGEST_NAME} printable characters")
        if self.name in BUILT_IN:
            raise ValueError(f"health check {self.name!r}: the name belongs to a built-in check")
        if not math.isfinite(self.timeout) or self.timeout <= 0:
            raise ValueError(f"health check {self.name!r}: timeout={self.timeout!r}; allowed: seconds above 0")
        if not math.isfinite(self.ttl) or self.ttl < 0:
            raise ValueError(f"health check {self.name!r}: ttl={self.ttl!r}; allowed: seconds, 0 or more")
        if min(self.failure_threshold, self.success_threshold) < 1:
            raise ValueError(f"health check {self.name!r}: a threshold is a number of runs, 1 or more")

    @property
    def failed(self) -> Status:
        """The status of this check when it fails."""
        return Status.UNHEALTHY if self.critical else Status.DEGRADED


_checks: dict[str, Check] = {}
_lock = Lock()


def health_check(
    name: str,
    *,
    critical: bool = False,
    timeout: float = 1.0,
    ttl: float = 5.0,
    failure_threshold: int = 1,
    success_threshold: int = 1,
) -> Callable[[F], F]:
    """Have a function, async or not, asked whether something that the server needs is well.

    It takes no arguments. `None` and `True` mean well; `False` and every exception mean that it failed; it may also
    return `"healthy"`, `"degraded"` or `"unhealthy"`, or a mapping with such a `status`. An async function runs on
    the event loop that serves, any other one in a thread. It runs every 15 seconds, and when a probe finds its result
    older than `ttl`; never twice at a time.

    Args:
        name: what it is called in `/health` and in the label `check`.
        critical: whether the server is of no use without it: then a failure makes `/health` and `/readyz` 503. A
            dependency that all replicas share takes all of them out at once, so the default is `degraded`, 200.
        timeout: seconds after which a run counts as failed.
        ttl: seconds for which a result is good enough for the next probe.
        failure_threshold: failures in a row before the check counts as failed.
        success_threshold: successes in a row before it counts as well again.

    Raises:
        ValueError: an argument makes no sense, or the name is taken.
    """

    def register(function: F) -> F:
        check = Check(name, function, critical, timeout, ttl, failure_threshold, success_threshold)
        with _lock:
            present = _checks.get(name)
            # A module that is run as a script and imported by name registers everything twice.
            if present is not None and not _is_same(present.function, function):
                raise ValueError(f"health check {name!r}: another check has that name already")
            _checks[name] = check
        return function

    return register


def remove_health_check(name: str) -> None:
    """Take a check away.

    Raises:
        KeyError: there is no check of that name.
    """
    with _lock:
        del _checks[name]


def registered() -> list[Check]:
    """Return the checks that are registered now."""
    with _lock:
        return list(_checks.values())


def _is_same(one: Callable[[], Any], other: Callable[[], Any]) -> bool:
    """Return whether two functions come from the same line, in a module that has been loaded under two names."""
    is_twin = getattr(one, "__module__", None) != getattr(other, "__module__", None)
    return is_twin and _place(one) is not None and _place(one) == _place(other)


def _place(function: Callable[[], Any]) -> tuple[str, int] | None:
    code: CodeType | None = getattr(function, "__code__", None)
    return None if code is None else (code.co_filename, code.co_firstlineno)
