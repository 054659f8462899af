"""What is recorded outlives the process; what the disk refuses is said once, and breaks nothing."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_opentelemetry.alerts import alert_text
from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.journal import Journal, state_directory
from mcp_opentelemetry.alerts.journal_file import JournalFile, Saved
from mcp_opentelemetry.alerts.outbox import Entry, numbers
from tests.alerts.sink import firing, resolved

_NOBODY = 65534


def entry(alert: Alert, receiver: str = "webhook:1", at: float = 1_000.0) -> Entry:
    return Entry(next(numbers), receiver, alert, alert_text.dump(alert), at)


def nothing() -> Saved:
    return Saved([], [])


def written(directory: Path, *entries: Entry, active: tuple[Alert, ...] = ()) -> Journal:
    """Return an open journal with something in it."""
    journal = Journal(directory)
    journal.open()
    journal.record(nothing, added=entries, active=active)
    return journal


def told(saved: Saved) -> list[tuple[str, str, str]]:
    return [(entry.receiver, entry.alert.name, entry.alert.state) for entry in saved.entries]


def test_what_was_recorded_is_there_for_the_next_process(tmp_path: Path) -> None:
    alerts = firing(), resolved()
    written(tmp_path, *map(entry, alerts), active=(alerts[1],)).close()
    saved = Journal(tmp_path).open()
    assert told(saved) == [("webhook:1", "Slow", "firing"), ("webhook:1", "Slow", "resolved")]
    assert saved.active == [alerts[1]]
    assert [entry.alert for entry in saved.entries] == [*alerts]


def test_what_another_process_left_counts_as_sent_once(tmp_path: Path) -> None:
    written(tmp_path, entry(firing())).close()
    assert [entry.attempts for entry in Journal(tmp_path).open().entries] == [1]


def test_what_was_delivered_is_gone(tmp_path: Path) -> None:
    delivered, kept = entry(firing("A")), entry(firing("B"))
    journal = written(tmp_path, delivered, kept)
    journal.record(nothing, removed=[delivered])
    journal.close()
    assert told(Journal(tmp_path).open()) == [("webhook:1", "B", "firing")]


def test_an_alert_comes_back_as_it_went() -> None:
    odd = Alert({"alertname": "ø\ud800\n", "a.b": ""}, {}, "firing", float("inf"), 1.25, None, None, "x")
    assert alert_text.load(alert_text.dump(odd)) == odd


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"labels": 1}', alert_text.dump(firing()).replace("firing", "x")])
def test_a_row_that_makes_no_sense_is_left_out(tmp_path: Path, text: str) -> None:
    sense = entry(firing())
    written(tmp_path, sense, Entry(next(numbers), "webhook:1", firing(), text, 1.0)).close()
    assert len(Journal(tmp_path).open().entries) == 1


def test_two_journals_never_share_a_file(tmp_path: Path) -> None:
    first, second = written(tmp_path, entry(firing("A"))), written(tmp_path, entry(firing("B")))
    assert (first.path, second.path) == (tmp_path / "alerts-0.db", tmp_path / "alerts-1.db")
    first.close()
    second.close()


HOLDER = """
import sys
from pathlib import Path
from tests.alerts.test_journal import *
journal = written(Path(sys.argv[1]), entry(firing(sys.argv[2])), active=(firing(sys.argv[2]),))
print(journal.path.name, flush=True)
sys.stdin.read()
"""


def held_by_another_process(directory: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(directory), name]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )


def test_files_of_killed_processes_are_adopted_and_those_of_living_ones_left_alone(tmp_path: Path) -> None:
    processes = [held_by_another_process(tmp_path, name) for name in ("A", "B", "C")]
    try:
        files = {name: process.stdout.readline().strip() for name, process in zip("ABC", processes, strict=True)}
        assert len(set(files.values())) == 3
        for process in processes[:2]:
            process.kill()
            process.wait()
        journal = Journal(tmp_path)
        saved = journal.open()
        assert sorted(told(saved)) == [("webhook:1", "A", "firing"), ("webhook:1", "B", "firing")]
        assert sorted(alert.name for alert in saved.active) == ["A", "B"]
        assert journal.path is not None
        assert journal.path.name == min(files["A"], files["B"])
        journal.close()
        again = Journal(tmp_path)
        assert sorted(told(again.open())) == sorted(told(saved)), "adopted once, and kept"
        again.close()
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_the_order_of_a_file_is_kept_though_its_clock_was_put_back(tmp_path: Path) -> None:
    written(tmp_path, entry(firing(), at=2_000.0), entry(resolved(), at=1_000.0)).close()
    journal = Journal(tmp_path)
    for _ in range(2):
        assert [state for *_, state in told(journal.open())] == ["firing", "resolved"]
        journal.close()


def test_without_a_directory_everything_is_in_memory(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(None)
    assert journal.open() == Saved([], [])
    journal.record(nothing, added=[entry(firing())])
    journal.close()
    assert (journal.path, journal.is_durable, caplog.records) == (None, False, [])


def test_a_directory_that_cannot_be_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "state")
    assert journal.open() == Saved([], [])
    journal.record(nothing, added=[entry(firing())])
    assert not journal.is_durable
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "cannot be written" in record.message
    assert str(tmp_path / "file" / "state") in record.message


def test_a_directory_that_takes_no_file_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert Journal(Path("/proc/self")).open() == Saved([], [])  # where not even root may create one
    assert len(caplog.records) == 1


@pytest.fixture(autouse=True)
def closed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a test has left open, as the death of its process would."""
    opened: list[Journal] = []
    original = Journal.open

    def remember(journal: Journal) -> Saved:
        opened.append(journal)
        return original(journal)

    monkeypatch.setattr(Journal, "open", remember)
    yield
    for journal in opened:
        journal.close()


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[None]:
    """Run as a user who may not write anywhere that root may."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(_NOBODY)
    yield
    os.seteuid(before)


@pytest.mark.usefixtures("nobody")
def test_a_directory_that_may_not_be_written_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if os.geteuid() != _NOBODY:
        tmp_path.chmod(0o500)
    assert Journal(tmp_path).open() == Saved([], [])
    assert len(caplog.records) == 1


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_left_alone_and_the_next_one_used(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tmp_path / "alerts-0.db"
    damaged.write_bytes(content)
    journal = written(tmp_path, entry(firing()))
    assert journal.is_durable
    assert journal.path == tmp_path / "alerts-1.db"
    journal.close()
    assert damaged.read_bytes() == content
    assert f"{damaged} is damaged or not ours" in caplog.text


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "alerts-0.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    journal = written(tmp_path)
    assert journal.path == tmp_path / "alerts-1.db"
    journal.close()


def test_a_full_disk_is_one_warning_and_what_was_missed_is_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    journal = written(tmp_path)
    connection = journal._file._connection
    connection.execute("PRAGMA max_page_count = 4")
    entries = [entry(firing(f"A{number}", text="x" * 5_000)) for number in range(3)]
    for one in entries:
        journal.record(lambda: Saved([], entries), added=[one])
    assert not journal.is_durable
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "full" in caplog.text
    connection.execute("PRAGMA max_page_count = 10000")
    journal.record(lambda: Saved([], entries))
    assert journal.is_durable
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    journal.close()
    assert len(Journal(tmp_path).open().entries) == 3


def test_a_disk_that_fills_up_while_files_are_adopted_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = written(tmp_path), written(tmp_path, entry(firing()))
    first.close()
    second.close()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    journal = Journal(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(JournalFile, "replace", full)
        saved = journal.open()
    assert (len(saved.entries), journal.is_durable, len(caplog.records)) == (1, False, 1)
    journal.record(lambda: saved)
    assert journal.is_durable
    journal.close()


def test_a_directory_with_a_file_of_each_name_in_use_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mcp_opentelemetry.alerts.journal._MOST_FILES", 1)
    first, second = written(tmp_path), written(tmp_path, entry(firing()))
    assert (first.is_durable, second.is_durable) == (True, False)
    assert "all 1 files are in use" in caplog.text
    first.close()


def test_a_user_without_a_home_has_no_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    assert state_directory("weather", {}) is None


def test_only_the_user_may_read_the_files(tmp_path: Path) -> None:
    journal = written(tmp_path / "state", entry(firing()))
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()} == {0o600}
    journal.close()


@pytest.mark.parametrize(
    ("service", "name"), [("weather", "weather"), ("../../etc", "__.._etc"), ("a/b c", "a_b_c"), ("..", "_"), ("", "_")]
)
def test_the_state_directory_follows_xdg_and_stays_within_it(service: str, name: str) -> None:
    assert state_directory(service, {"XDG_STATE_HOME": "/state"}) == Path("/state/mcp-opentelemetry") / name
    assert state_directory(service, {}) == Path.home() / ".local/state/mcp-opentelemetry" / name
    assert state_directory(service, {"XDG_STATE_HOME": "relative"}) == state_directory(service, {})
