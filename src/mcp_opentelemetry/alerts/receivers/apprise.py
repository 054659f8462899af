"""Any service that apprise knows: chats, mail, pagers."""

from __future__ import annotations

import importlib
import logging
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.alerts.receivers.receiver import Receiver, RejectedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_opentelemetry.alerts.alert import Alert

_LINES: Final = 10
"""Alerts that one message spells out; of the others it gives the number."""

# At level DEBUG they print whole URLs.
_TALKATIVE: Final = ("apprise", "urllib3.connectionpool")


def is_installed() -> bool:
    """Return whether apprise can be imported; it is not, yet: that takes a while."""
    return find_spec("apprise") is not None


class Apprise(Receiver):
    """Sends short texts through apprise; what waited together goes out in one message.

    Args:
        url: as apprise takes it.
        name: what may be shown of it.
        key: see `Receiver`.
    """

    kind = "apprise"
    batch = 100

    def __init__(self, url: str, name: str, key: str) -> None:
        super().__init__(name, key)
        self._url = url
        self._notify: Callable[..., object] | None = None

    def prepare(self) -> None:
        for logger in _TALKATIVE:
            logging.getLogger(logger).addFilter(_Discretion(threading.get_ident()))
        self._notify = self._notify or self._loaded()

    def send(self, alerts: Sequence[Alert], *, timeout: float, valid_until: float) -> None:
        notify = self._notify or self._loaded()
        try:
            is_sent = notify(title=title(alerts), body=body(alerts), notify_type=_type(alerts))
        except Exception as error:  # noqa: BLE001 (a plugin's, whose message may quote the URL)
            raise UnavailableError(f"apprise raised {type(error).__name__}") from None
        if not is_sent:
            raise UnavailableError("apprise could not send it")

    def _loaded(self) -> Callable[..., object]:
        try:
            apprise: Any = importlib.import_module("apprise")
            service = apprise.Apprise()
            is_understood = service.add(self._url)
        except Exception as error:  # noqa: BLE001 (a plugin's, whose message may quote the URL)
            raise RejectedError(f"apprise raised {type(error).__name__}") from None
        if not is_understood:
            raise RejectedError("apprise does not understand this URL")
        return service.notify


class _Discretion(logging.Filter):
    """Keeps what one thread of ours makes others log at level DEBUG out of the log."""

    def __init__(self, thread: int) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG or record.thread != self._thread


def title(alerts: Sequence[Alert]) -> str:
    """Return the subject of a message."""
    if len(alerts) == 1:
        return f"[{alerts[0].state.upper()}] {alerts[0].name}"
    firing = sum(alert.state == "firing" for alert in alerts)
    return f"{firing} alerts firing, {len(alerts) - firing} resolved"


def body(alerts: Sequence[Alert]) -> str:
    """Return the text of a message."""
    lines = [_line(alert) for alert in alerts[:_LINES]]
    if len(alerts) > _LINES:
        lines.append(f"+{len(alerts) - _LINES} more")
    return "\n".join(lines)


def _line(alert: Alert) -> str:
    text = alert.annotations.get("summary") or alert.annotations.get("description") or alert.expression
    severity = f" ({alert.severity})" if alert.severity else ""
    return f"{alert.name}{severity} {alert.state}{': ' + text if text else ''}"


def _type(alerts: Sequence[Alert]) -> str:
    firing = [alert for alert in alerts if alert.state == "firing"]
    if not firing:
        return "success"
    return "failure" if any(alert.severity in {"critical", "page"} for alert in firing) else "warning"
