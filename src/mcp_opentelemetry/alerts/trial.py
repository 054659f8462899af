"""What alerts would be now: a running server is scraped for a while, and its rules are evaluated over that."""

from __future__ import annotations

from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any, Final
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families

from mcp_opentelemetry.alerts.engine import Engine
from mcp_opentelemetry.alerts.promql.model import NAME, labels_of
from mcp_opentelemetry.alerts.promql.samples import GivenStorage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_opentelemetry.alerts.rules import Rules

INTERVAL: Final = 1.0
"""Seconds between two scrapes."""

_PATIENCE: Final = 10.0  # seconds for one scrape
_READABLE: Final = ("http://", "https://")


def try_rules(rules: Rules, url: str, seconds: float, token: str | None = None) -> Iterator[str]:
    """Return, for each alert, whether its condition holds now, line by line.

    `for` is left out of account, which takes longer than anybody waits for an answer.

    Args:
        rules: what is evaluated.
        url: of `/metrics`.
        seconds: how long it is scraped, so that rates have something to go by.
        token: for a server that asks for one.

    Raises:
        OSError: nobody answers.
        ValueError: it is no URL of a web server, or what it answers are no metrics.
    """
    if not url.startswith(_READABLE):
        raise ValueError(f"{url!r} is no http or https URL")
    storage = GivenStorage()
    deadline = monotonic() + seconds
    while True:
        _scrape(storage, url, token)
        if monotonic() + INTERVAL > deadline:
            break
        sleep(INTERVAL)
    engine = Engine(rules.groups, storage)
    engine.evaluate(rules.groups, time())
    alerts = engine.alerts()
    for _, rule, status in engine.statuses():
        if not rule.is_alert:
            continue
        own = [alert for alert in alerts if alert.expression == rule.expression.text and alert.name == rule.name]
        state = status.error or (status.health if status.health == "no data" else "inactive")
        if not own:
            yield f"{rule.name}: {state}"
        for alert in own:
            labels = ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()) if name != "alertname")
            yield f"{rule.name}: active, value {alert.value:g}" + (f" ({labels})" if labels else "")


def _scrape(storage: GivenStorage, url: str, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(url, headers=headers), timeout=_PATIENCE) as response:  # noqa: S310 (http and https only)
        text: str = response.read().decode()
    now = time()
    families: Any = text_string_to_metric_families(text)
    for family in families:
        for sample in family.samples:
            storage.add(labels_of({**sample.labels, NAME: sample.name}), now, float(sample.value))
