"""`OTEL_PYTHON_MCP_ALERT_RECEIVERS`: each entry a receiver, or one warning."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.alerts.receivers import apprise, own
from mcp_opentelemetry.alerts.receivers.alertmanager import PATH, Alertmanager
from mcp_opentelemetry.alerts.receivers.log import Log
from mcp_opentelemetry.alerts.receivers.webhook import Webhook
from mcp_opentelemetry.alerts.urls import Address, redacted
from mcp_opentelemetry.redaction import REDACTED

if TYPE_CHECKING:
    from mcp_opentelemetry.alerts.receivers.receiver import Receiver

VARIABLE: Final = "OTEL_PYTHON_MCP_ALERT_RECEIVERS"
ALLOWED: Final = (
    "log, https://… (a webhook), webhook+http(s)://…, alertmanager+http(s)://host:9093, "
    "a URL that apprise knows, module:attribute; a comma within a URL is written %2C"
)

_REFERENCE: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_WORD: Final = re.compile(r"[a-z]{1,12}")

_logger = logging.getLogger("mcp_opentelemetry.alerts")


def read_receivers(setting: str) -> list[Log | Receiver]:
    """Return the receivers that a setting names; an entry that is wrong is left out, with one warning.

    Args:
        setting: entries with commas between them; see `ALLOWED`.
    """
    receivers: list[Log | Receiver] = []
    for number, text in enumerate(setting.split(","), 1):
        if not (entry := text.strip()):
            continue
        try:
            receivers.append(_receiver(entry))
        except ValueError as error:
            _logger.warning(
                "%s: entry %d, %s: %s; allowed: %s; alerts go to the other receivers only",
                VARIABLE,
                number,
                _shown(entry),
                error,
                ALLOWED,
            )
    return receivers


def _receiver(entry: str) -> Log | Receiver:
    if entry == "log":
        return Log()
    scheme, separator, rest = entry.partition("://")
    if not separator:
        if not _REFERENCE.fullmatch(entry):
            raise ValueError("neither a URL nor module:attribute")
        return own.find(entry)
    kind, plus, inner = scheme.lower().partition("+")
    name, key = redacted(entry), hashlib.sha256(entry.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if scheme.lower() == "https":
        return Webhook(Address(entry), name, key)
    if kind == "webhook" and plus:
        return Webhook(Address(f"{inner}://{rest}"), name, key)
    if kind == "alertmanager" and plus:
        base, query, parameters = rest.partition("?")
        path = base.rstrip("/").removesuffix(PATH) + PATH
        return Alertmanager(Address(f"{inner}://{path}{query}{parameters}"), name, key)
    if scheme.lower() == "http":
        raise ValueError("it would be sent in the clear; if that is meant, write webhook+http://")
    if not apprise.is_installed():
        raise ValueError("needs apprise: pip install 'mcp-opentelemetry[notify]'")
    return apprise.Apprise(f"{inner}://{rest}" if kind == "apprise" and plus else entry, name, key)


def _shown(entry: str) -> str:
    """Return what may be shown of an entry: without a scheme, anything may be a token."""
    if "://" in entry:
        return redacted(entry)
    return entry if _WORD.fullmatch(entry) or _REFERENCE.fullmatch(entry) else REDACTED
