"""Any service that apprise knows is told, and its secrets are not."""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import Any

import pytest

from mcp_opentelemetry.alerts.receivers import apprise
from mcp_opentelemetry.alerts.receivers.receiver import RejectedError, UnavailableError
from tests.alerts.receiving import SECRET, TERMS, receiver
from tests.alerts.sink import firing, listening, resolved
from tests.integration.processes import free_port


class FakeApprise(ModuleType):
    """Apprise, as far as we use it."""

    def __init__(self, *, understands: bool = True, answer: object = True) -> None:
        super().__init__("apprise")
        self.told: list[dict[str, Any]] = []
        self.understands, self.answer = understands, answer

    def Apprise(self) -> FakeApprise:  # noqa: N802
        return self

    def add(self, url: str) -> bool:
        return self.understands

    def notify(self, **message: Any) -> object:
        self.told.append(message)
        logging.getLogger("apprise").debug("POST %s", SECRET)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> FakeApprise:
    fake = FakeApprise()
    monkeypatch.setitem(sys.modules, "apprise", fake)
    monkeypatch.setattr(apprise, "is_installed", lambda: True)
    return fake


def test_apprise_gets_a_title_and_a_text(faked: FakeApprise, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service = receiver(f"slack://{SECRET}")
    service.prepare()
    service.send([firing()], **TERMS)
    service.send([resolved()], **TERMS)
    service.send([firing(f"A{number}", severity="critical") for number in range(12)], **TERMS)
    assert faked.told[0] == {
        "title": "[FIRING] Slow",
        "body": "Slow (warning) firing: Slow it is",
        "notify_type": "warning",
    }
    assert faked.told[1]["notify_type"] == "success"
    assert faked.told[2]["title"] == "12 alerts firing, 0 resolved"
    assert faked.told[2]["notify_type"] == "failure"
    assert faked.told[2]["body"].splitlines()[-1] == "+2 more"
    assert len(faked.told[2]["body"].splitlines()) == 11
    assert SECRET not in caplog.text


@pytest.mark.parametrize("answer", [False, None, RuntimeError(SECRET)])
def test_what_apprise_could_not_send_is_tried_again(faked: FakeApprise, answer: object) -> None:
    faked.answer = answer
    with pytest.raises(UnavailableError) as caught:
        receiver("slack://x").send([firing()], **TERMS)
    assert SECRET not in str(caught.value)


def test_a_url_that_apprise_does_not_understand_is_refused(faked: FakeApprise) -> None:
    faked.understands = False
    with pytest.raises(RejectedError, match="does not understand"):
        receiver("slakc://x").prepare()


@pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")
def test_the_real_apprise_sends_to_a_real_server() -> None:
    pytest.importorskip("apprise", reason="apprise is not installed (extra notify)")
    with listening() as sink:
        service = receiver(f"apprise+json://127.0.0.1:{sink.port}/hook")
        service.prepare()
        service.send([firing()], **TERMS)
    (received,) = sink.received
    assert received.body["title"] == "[FIRING] Slow"
    with pytest.raises(UnavailableError, match="could not send"):
        receiver(f"apprise+json://127.0.0.1:{free_port()}/hook").send([firing()], **TERMS)


def test_an_apprise_that_cannot_be_imported_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "is_installed", lambda: True)
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(RejectedError, match="apprise raised ModuleNotFoundError"):
        receiver("slack://x").prepare()
