"""What a check has found, from whatever it returned or raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, cast


class Status(IntEnum):
    """How well something is: the worst of several is their maximum, the number is what `mcp.health.status` shows."""

    HEALTHY = 0
    DEGRADED = 1
    UNHEALTHY = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run of a check has found.

    Args:
        status: how well it is.
        error: why it is not: the class of an exception, or a few words of ours.
        message: the exception's message, or the check's own; it may quote anything.
        details: what the check says besides; it may quote anything if the check is the user's.
    """

    status: Status
    error: str | None = None
    message: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


HEALTHY = Verdict(Status.HEALTHY)


def of_returned(value: object, failed: Status) -> Verdict:
    """Return what a check means by its result.

    `None` and `True` are well, `False` is not. A status by its name is that status, but no worse than the check's
    failure. A mapping has a `status`, may have a `message`, and the rest of it is details.

    Args:
        value: what the check returned.
        failed: the status of this check when it fails.
    """
    if value is None or value is True:
        return HEALTHY
    if value is False:
        return Verdict(failed, "returned False")
    if isinstance(value, str):
        return _of_name(value, failed)
    if isinstance(value, Mapping):
        details = {str(key): item for key, item in cast("Mapping[object, object]", value).items()}
        message = details.pop("message", None)
        verdict = of_returned(details.pop("status", None), failed)
        return Verdict(verdict.status, verdict.error, None if message is None else str(message), details)
    return Verdict(failed, f"returned {type(value).__name__}; allowed: None, True, False, a status, a mapping with one")


def of_raised(error: BaseException, failed: Status) -> Verdict:
    """Return what an exception of a check means.

    Args:
        error: what the check raised.
        failed: the status of this check when it fails.
    """
    return Verdict(failed, type(error).__name__, _message_of(error))


def _of_name(name: str, failed: Status) -> Verdict:
    try:
        status = Status[name.strip().upper()]
    except KeyError:
        allowed = ", ".join(str(status) for status in Status)
        return Verdict(failed, f"returned another text than {allowed}")
    if status is Status.HEALTHY:
        return HEALTHY
    return Verdict(min(status, failed), f"returned {status}")


def _message_of(error: BaseException) -> str | None:
    try:
        return str(error) or None
    except Exception:  # noqa: BLE001 (the user's own __str__)
        return None
