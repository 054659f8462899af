"""The user's own receivers: a function, or an object with a method `send`."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from mcp_opentelemetry.alerts.receivers.receiver import Receiver, RejectedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mcp_opentelemetry.alerts.alert import Alert

_added: list[Own] = []
_lock = Lock()


class Own(Receiver):
    """Calls what the user wrote, once per transition, in a thread where it may take its time.

    Args:
        target: takes one `Alert`, sync or async; or has a method `send` that does; or a class of such objects. What
            it raises means "try again", except for `RejectedError`.

    Raises:
        TypeError: it is none of these.
    """

    kind = "own"

    def __init__(self, target: object) -> None:
        place = target if hasattr(target, "__qualname__") else type(target)
        name = f"{place.__module__}:{getattr(place, '__qualname__', place)}"
        super().__init__(name, name)
        instance = cast("Any", target() if isinstance(target, type) else target)
        call = getattr(instance, "send", instance)
        if not callable(call):
            raise TypeError(f"{name} is neither a function nor an object with a method send(alert)")
        self._call: Callable[[Alert], object] = call

    def send(self, alerts: Sequence[Alert], *, timeout: float, valid_until: float) -> None:
        (alert,) = alerts
        try:
            result = self._call(alert)
            if inspect.isawaitable(result):
                asyncio.run(_within(result, timeout))
        except RejectedError as error:
            raise RejectedError(str(error)) from None
        except UnavailableError as error:
            raise UnavailableError(str(error), error.retry_after) from None
        except Exception as error:  # noqa: BLE001 (the user's own; its message may quote the address that it sends to)
            raise UnavailableError(f"it raised {type(error).__name__}") from None


def add_receiver(target: object) -> object:
    """Send alerts to a function or an object of your own as well; also a decorator.

    It is called in a thread, once per transition, and again for as long as it raises.

    Args:
        target: see `Own`.

    Raises:
        TypeError: it is neither.
    """
    with _lock:
        _added.append(Own(target))
    return target


def added() -> list[Own]:
    """Return the receivers that were added."""
    with _lock:
        return [*_added]


def find(reference: str) -> Own:
    """Return the receiver that `module:attribute` names.

    Raises:
        ValueError: there is none; the message says why.
    """
    module, _, path = reference.partition(":")
    try:
        found: object = importlib.import_module(module)
        for attribute in path.split("."):
            found = getattr(found, attribute)
        return Own(found)
    except (ImportError, AttributeError, TypeError) as error:
        raise ValueError(f"it cannot be used ({error})") from error
    except Exception as error:
        raise ValueError(f"it cannot be used: importing it raised {type(error).__name__}") from error


async def _within(result: Awaitable[object], seconds: float) -> None:
    await asyncio.wait_for(result, seconds)
