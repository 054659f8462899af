"""What the user wrote is called, and what it raises is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.receivers import own
from mcp_opentelemetry.alerts.receivers.entries import read_receivers
from mcp_opentelemetry.alerts.receivers.own import Own, add_receiver, added
from mcp_opentelemetry.alerts.receivers.receiver import RejectedError, UnavailableError
from tests.alerts.own_receivers import Ear, broken, hear, heard, never
from tests.alerts.receiving import SECRET, TERMS, receiver
from tests.alerts.sink import firing


@pytest.fixture(autouse=True)
def _nothing_heard() -> None:
    heard.clear()


@pytest.mark.parametrize("name", ["hear", "Ear"])
def test_a_function_or_a_class_of_the_users_own_is_called(name: str) -> None:
    receiver(f"tests.alerts.own_receivers:{name}").send([firing()], **TERMS)
    assert heard == [firing()]


def test_an_own_receiver_that_raises_is_tried_again_and_its_message_not_told() -> None:
    with pytest.raises(UnavailableError, match="it raised RuntimeError") as caught:
        Own(broken).send([firing()], **TERMS)
    assert SECRET not in str(caught.value)


def test_an_own_receiver_may_refuse() -> None:
    def refuse(alert: Alert) -> None:
        raise RejectedError("not for me")

    with pytest.raises(RejectedError, match="not for me"):
        Own(refuse).send([firing()], **TERMS)


def test_an_own_receiver_may_ask_for_time() -> None:
    def wait(alert: Alert) -> None:
        raise UnavailableError("busy", 7.0)

    with pytest.raises(UnavailableError, match="busy") as caught:
        Own(wait).send([firing()], **TERMS)
    assert caught.value.retry_after == 7.0


def test_a_module_that_cannot_be_imported_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "breaks_at_once.py").write_text(f"raise RuntimeError({SECRET!r})")
    monkeypatch.syspath_prepend(tmp_path)
    assert read_receivers("breaks_at_once:x") == []
    assert "importing it raised RuntimeError" in caplog.text
    assert SECRET not in caplog.text


def test_an_own_coroutine_has_its_time_and_no_more() -> None:
    with pytest.raises(UnavailableError, match="TimeoutError"):
        Own(never).send([firing()], timeout=0.05, valid_until=0)


def test_receivers_are_added_in_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "_added", [])
    ear = Ear()
    assert add_receiver(hear) is hear
    assert add_receiver(ear) is ear
    assert [receiver.key for receiver in added()] == [
        "own:tests.alerts.own_receivers:hear",
        "own:tests.alerts.own_receivers:Ear",
    ]
    with pytest.raises(TypeError, match="neither a function nor an object"):
        add_receiver(1)
