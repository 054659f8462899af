"""What evaluates and what delivers, put together as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mcp_opentelemetry.alerts.delivery import Delivery
from mcp_opentelemetry.alerts.evaluator import Evaluator
from mcp_opentelemetry.alerts.journal import Journal, state_directory
from mcp_opentelemetry.alerts.receivers.entries import read_receivers
from mcp_opentelemetry.alerts.receivers.own import added
from mcp_opentelemetry.alerts.source import WindowStorage
from mcp_opentelemetry.identity import instance

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    from mcp_opentelemetry.config import Settings
    from mcp_opentelemetry.window.window import Window


def assemble(
    settings: Settings, window: Window, loop: Callable[[], AbstractEventLoop | None], service: str
) -> tuple[Evaluator, Delivery]:
    """Read rules and receivers; nothing runs yet.

    Args:
        settings: which there are.
        window: what rules are evaluated over.
        loop: returns the event loop that serves, if one does.
        service: the service's name.
    """
    receivers = [*read_receivers(",".join(settings.alert_receivers)), *added()]
    directory = Path(settings.alert_journal) if settings.alert_journal else state_directory(service)
    delivery = Delivery(receivers, Journal(directory), settings.alert_interval)
    storage = WindowStorage(window, lambda: _scrape_labels(service))
    return Evaluator(settings, storage, window.collect, loop, delivery), delivery


def _scrape_labels(service: str) -> dict[str, str]:
    """Return what a Prometheus that scrapes this process would add to each series."""
    return {"job": service, "instance": instance()}
