"""Receivers that a user might write."""

from __future__ import annotations

import asyncio

from mcp_opentelemetry.alerts.alert import Alert
from tests.alerts.receiving import SECRET

heard: list[Alert] = []


def hear(alert: Alert) -> None:
    heard.append(alert)


class Ear:
    """A receiver of the user's own."""

    async def send(self, alert: Alert) -> None:
        await asyncio.sleep(0)
        heard.append(alert)


async def never(alert: Alert) -> None:
    await asyncio.sleep(3600)


def broken(alert: Alert) -> None:
    raise RuntimeError(SECRET)


not_callable = 1
