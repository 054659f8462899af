"""What users call: `alerts.check()` and `alerts.add_receiver(...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_opentelemetry.alerts.receivers import own
from mcp_opentelemetry.runtime import get_runtime

if TYPE_CHECKING:
    from mcp_opentelemetry.alerts.alert import Alert


def check() -> list[Alert]:
    """Evaluate all rules and conditions now; returns the alerts that are pending or firing.

    Blocks for some milliseconds, and for up to two seconds where a condition takes long.
    """
    return get_runtime().alerting.evaluator().check()


def add_receiver(target: object) -> object:
    """Send alerts to a function or an object of your own as well; also a decorator.

    It is called in a thread, once per transition, and again for as long as it raises.

    Args:
        target: a function that takes one `Alert`, async or not, or an object with such a method `send`, or its class.

    Raises:
        TypeError: it is none of these.
    """
    own.add_receiver(target)
    get_runtime().alerting.add(own.added()[-1])
    return target
