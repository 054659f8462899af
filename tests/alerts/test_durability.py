"""What is owed outlives the process, within bounds."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.clock import Clock
from mcp_opentelemetry.alerts.delivery import Delivery
from mcp_opentelemetry.alerts.journal import Journal
from mcp_opentelemetry.alerts.outbox import Outbox
from mcp_opentelemetry.alerts.receivers.entries import read_receivers
from mcp_opentelemetry.alerts.receivers.log import Log
from mcp_opentelemetry.alerts.receivers.own import Own
from tests.alerts.delivering import SOON, Scripted, delivering, told
from tests.alerts.sink import firing, listening, resolved
from tests.waiting import DEADLINE, eventually


def test_what_is_owed_to_nobody_for_a_day_is_given_up(tmp_path: Path) -> None:
    with listening(*[503] * 1000) as sink, listening() as other:
        with delivering(sink.url("/", "webhook+http"), directory=tmp_path) as delivery:
            delivery.publish([firing()], [])
            delivery.close(0.2)
        later = Clock(wall=lambda: SOON.wall() + 25 * 3600)
        delivery = Delivery(read_receivers(other.url("/", "webhook+http")), Journal(tmp_path), 15.0, later)
        delivery.publish([], [])
        delivery.close(DEADLINE)
    journal = Journal(tmp_path)
    assert journal.open().entries == []
    journal.close()


def test_what_is_left_at_the_end_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with listening(*[503] * 1000) as sink:
        for directory, fate in ((None, "lost"), (tmp_path, "kept for the next start")):
            with delivering(sink.url("/", "webhook+http"), directory=directory) as delivery:
                delivery.publish([firing()], [])
                delivery.close(0.2)
            assert f"1 alert notifications could not be sent in time and are {fate}" in caplog.text


def test_the_next_process_sends_what_the_last_one_owed_and_knows_what_was_active(tmp_path: Path) -> None:
    with listening(*[503] * 1000) as sink:
        entry = sink.url("/", "webhook+http")
        ended = resolved("B", until=SOON.wall() - 60)
        with delivering(entry, directory=tmp_path) as delivery:
            assert delivery.restore() == []
            delivery.publish([firing("A"), ended], [firing("A"), ended, resolved("Old", until=1.0)])
            delivery.close(0.2)
        sink.answers.clear()
        sink.received.clear()
        with delivering(entry, directory=tmp_path) as delivery:
            assert delivery.restore() == [firing("A"), ended]
            eventually(lambda: len(told(sink)) == 2)
            # What is told and not yet struck off is told again: at least once is what is promised.
            eventually(lambda: delivery.counts()["webhook"]["queued"] == 0)
        with delivering(entry, directory=tmp_path) as delivery:
            assert delivery.restore() == [firing("A"), ended]
            assert delivery.counts()["webhook"]["queued"] == 0
        assert len(told(sink)) == 2


def test_what_is_owed_to_a_receiver_that_is_not_there_waits_for_it(tmp_path: Path) -> None:
    with listening(*[503] * 1000) as sink, listening() as other:
        with delivering(sink.url("/", "webhook+http"), directory=tmp_path) as delivery:
            delivery.publish([firing()], [])
            delivery.close(0.2)
        sink.answers.clear()
        with delivering(other.url("/", "webhook+http"), directory=tmp_path) as delivery:
            delivery.publish([firing("New")], [])
            for receiver in read_receivers(sink.url("/", "webhook+http")):
                delivery.add(receiver)
            eventually(lambda: ("Slow", "firing") in sink.accepted())
        assert other.accepted() == [("New", "firing")]


def test_only_a_receiver_that_can_fail_gets_a_file_and_a_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with delivering(Log(), directory=tmp_path) as delivery:
        delivery.publish([firing()], [firing()])
        assert [*tmp_path.iterdir()] == []
        assert set(threading.enumerate()) <= before, "others may end meanwhile"
        assert delivery.counts() == {"log": {"sent": 1}}
        assert delivery.status() == {"journal": {"path": None, "durable": False, "last_error": ""}, "receivers": []}


def test_a_journal_that_cannot_be_written_stops_no_alert(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with (
        listening() as sink,
        delivering(sink.url("/", "webhook+http"), directory=tmp_path / "file" / "state") as delivery,
    ):
        delivery.publish([firing()], [firing()])
        eventually(lambda: told(sink))
        assert not delivery.status()["journal"]["durable"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_too_many_alerts_drop_the_oldest_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mcp_opentelemetry.alerts.delivery.Outbox", lambda: Outbox(most_entries=3))
    hold = Event()
    with delivering(Own(lambda _: hold.wait(60)), directory=tmp_path) as delivery:
        for number in range(10):
            delivery.publish([firing(f"A{number}")], [])
        counts = delivery.counts()["own"]
        assert (counts["queued"], counts["dropped"]) == (3, 7)
        delivery.close(0.1)
        hold.set()
    assert caplog.text.count("too many alerts wait for tests.alerts.test_durability:") == 1
    journal = Journal(tmp_path)
    assert [entry.alert.name for entry in journal.open().entries][-2:] == ["A8", "A9"]
    journal.close()


def test_a_flood_is_on_the_disk_soon(tmp_path: Path) -> None:
    alerts = [firing(f"A{number}") for number in range(500)]
    receivers = [Own(list[Alert]().append), Scripted(batch=64), Scripted(batch=64, repeats=True)]
    with delivering(*receivers, directory=tmp_path) as delivery:
        start = monotonic()
        delivery.publish(alerts, alerts)
        took = monotonic() - start
        eventually(lambda: not any(counts["queued"] for counts in delivery.counts().values()))
        print(
            f"500 transitions for 3 receivers: committed in {took * 1000:.0f} ms, told in {monotonic() - start:.2f} s"
        )
        size = sum(path.stat().st_size for path in tmp_path.iterdir())
        print(f"journal afterwards: {size / 1024:.0f} KiB")


def test_what_a_full_disk_did_not_take_is_written_when_it_has_room_again(tmp_path: Path) -> None:
    hold = Event()
    with delivering(Own(lambda _: hold.wait(60)), directory=tmp_path) as delivery:
        connection = delivery._journal._file._connection
        connection.execute("PRAGMA max_page_count = 4")
        for number in range(3):
            delivery.publish([firing(f"A{number}", text="x" * 5_000)], [])
        assert not delivery.status()["journal"]["durable"]
        assert "full" in delivery.status()["journal"]["last_error"]
        connection.execute("PRAGMA max_page_count = 10000")
        delivery.publish([firing("A3")], [firing("A3")])
        assert delivery.status()["journal"]["durable"]
        delivery.close(0.1)
        hold.set()
    journal = Journal(tmp_path)
    saved = journal.open()
    assert [entry.alert.name for entry in saved.entries] == ["A0", "A1", "A2", "A3"]
    assert saved.active == [firing("A3")]
    journal.close()
