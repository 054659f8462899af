"""`collector-config/alertmanager`, copied to a folder as to a server, with receivers and waits of a test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from tests.alerts.sink import Received, Sink, listening
from tests.fleet.programs import ALERTMANAGERS, FLEET, need
from tests.integration.alertmanager import RealAlertmanager
from tests.integration.processes import PATIENCE

WATCHDOG_TOKEN: Final = "for-the-switch"
_OK: Final = (200, {}, "ok")  # what Slack answers, and what new Alertmanagers expect of it
# Nobody waits for minutes here. What waits for what, and who inhibits whom, stays as it is shipped.
_WAITS: Final = {"group_wait: 30s": "1s", "group_interval: 5m": "1s", "group_interval: 1m": "1s", "_interval: 1m": "1s"}


class Channels:
    """What came to a channel.

    Args:
        sink: what receives for all of them.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def received(self, channel: str) -> list[Received]:
        """Return the requests, in order."""
        return [each for each in self._sink.received if each.path == f"/{channel}"]

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """Return the messages in Slack's format, in order."""
        return [attachment for each in self.received(channel) for attachment in each.body["attachments"]]

    def text(self, channel: str) -> str:
        """Return everything that was said."""
        return "\n".join(f"{message['title']}\n{message['text']}" for message in self.messages(channel))


@contextmanager
def alerting(folder: Path, version: str) -> Iterator[tuple[RealAlertmanager, Channels]]:
    """Run an Alertmanager of a version with the shipped files.

    Args:
        folder: for the copy, and for what it keeps.
        version: a key of `ALERTMANAGERS`.
    """
    copy = Path(shutil.copytree(FLEET / "alertmanager", folder / "alertmanager"))
    config = copy / "alertmanager.yml"
    text = config.read_text()
    for shipped, short in _WAITS.items():
        assert shipped in text
        text = text.replace(shipped, f"{shipped.partition(':')[0]}: {short}")
    with listening(*[_OK] * 1000) as sink:
        secrets = copy / "secrets"
        secrets.mkdir(exist_ok=True)
        for channel in ("critical", "warnings"):
            (secrets / f"{channel}_url").write_text(f"{sink.url(f'/{channel}')}\n")
        (secrets / "watchdog_token").write_text(f"{WATCHDOG_TOKEN}\n")
        text = text.replace("/etc/alertmanager", str(copy))
        config.write_text(text.replace("http://127.0.0.1:9095/watchdog", sink.url("/watchdog")))
        alertmanager = RealAlertmanager(copy, program=str(need(ALERTMANAGERS[version])))
        try:
            alertmanager.start()
            yield alertmanager, Channels(sink)
        finally:
            alertmanager.stop()


def tell(alertmanager: RealAlertmanager, alerts: Sequence[dict[str, Any]]) -> None:
    """Post alerts as Prometheus does."""
    connection = HTTPConnection("127.0.0.1", alertmanager.port, timeout=PATIENCE)
    try:
        connection.request("POST", "/api/v2/alerts", json.dumps(alerts), {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
    finally:
        connection.close()
