"""The log file: archived, shared by processes, and nobody's trouble when it cannot be written."""

from __future__ import annotations

import gzip
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest

from mcp_opentelemetry.config import PREFIX, Settings
from mcp_opentelemetry.logs import archives
from mcp_opentelemetry.logs.files import LogFile
from mcp_opentelemetry.logs.formats import otel
from tests.logs.lines import line

KINDS = ("several", "one")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write with the extra that several processes need, and without it."""
    if request.param == "one":
        monkeypatch.setattr(archives, "find_spec", lambda _: None)
    return request.param


@pytest.fixture(autouse=True)
def unlocked() -> Iterator[None]:
    """Give back the files that this process has taken for itself."""
    yield
    for lock in archives._locks.values():
        lock.close()
    archives._locks.clear()


def log_file(path: Path, **settings: object) -> LogFile:
    given = {PREFIX + name.upper(): str(value) for name, value in settings.items()}
    return LogFile(path, Settings.from_mapping(given), otel)


def lines_in(folder: Path) -> list[str]:
    """Return all lines, those in archives too."""
    found: list[str] = []
    for path in sorted(folder.glob("server*.log*")):
        content = path.read_bytes()
        found += (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()
    return found


def messages_in(folder: Path) -> list[str]:
    return [json.loads(line)["message"] for line in lines_in(folder)]


@pytest.mark.usefixtures("kind")
def test_lines_are_written_and_full_files_become_archives(tmp_path: Path) -> None:
    file = log_file(tmp_path / "logs/server.log", log_max_bytes=20_000, log_backups=3)
    for number in range(400):
        file.write(line(f"{number:04}", fields={"filler": "x" * 200}))
    file.close()
    names = {path.name for path in (tmp_path / "logs").iterdir() if "lock" not in path.name}
    assert names == {"server.log", "server.log.1.gz", "server.log.2.gz", "server.log.3.gz"}
    messages = messages_in(tmp_path / "logs")
    assert len(messages) == len(set(messages)) < 400
    assert max(messages) == "0399"
    assert (tmp_path / "logs/server.log").stat().st_size <= 20_000


@pytest.mark.usefixtures("kind")
def test_nothing_is_lost_where_the_archives_suffice(tmp_path: Path) -> None:
    file = log_file(tmp_path / "server.log", log_max_bytes=20_000, log_backups=50)
    for number in range(400):
        file.write(line(f"{number:04}", fields={"filler": "x" * 200}))
    file.close()
    assert sorted(messages_in(tmp_path)) == [f"{number:04}" for number in range(400)]


@pytest.mark.usefixtures("kind")
def test_files_are_archived_by_time(tmp_path: Path) -> None:
    file = log_file(tmp_path / "server.log", log_rotate="1h")
    file.write(line("before"))
    handler = file._handler
    past = int(handler.rolloverAt) - 7200
    handler.rolloverAt = past
    if hasattr(handler, "write_rollover_time"):  # where processes share the time in the lock file
        handler.clh._do_lock()
        handler.write_rollover_time()
        handler.clh._do_unlock()
    file.write(line("after"))
    file.close()
    assert [json.loads(text)["message"] for text in (tmp_path / "server.log").read_text().splitlines()] == ["after"]
    (archive,) = tmp_path.glob("server.log.*.gz")
    assert json.loads(gzip.decompress(archive.read_bytes()))["message"] == "before"


@pytest.mark.usefixtures("kind")
def test_a_file_that_is_deleted_or_moved_is_made_again(tmp_path: Path) -> None:
    file = log_file(tmp_path / "server.log")
    file.write(line("first"))
    (tmp_path / "server.log").unlink()
    file.write(line("second"))
    (tmp_path / "server.log").rename(tmp_path / "elsewhere")
    file.write(line("third"))
    file.close()
    assert messages_in(tmp_path) == ["third"]
    assert "second" in (tmp_path / "elsewhere").read_text()


@pytest.mark.usefixtures("kind")
def test_a_folder_that_cannot_be_written_is_named_once_and_tried_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    file = log_file(tmp_path / "logs/server.log")
    for number in range(3):
        file.write(line(str(number)))
    said = capfd.readouterr()
    assert said.err.count("cannot write to") == 1
    assert str(tmp_path / "logs/server.log") in said.err
    (tmp_path / "logs").unlink()
    file.write(line("3"))
    file.close()
    assert messages_in(tmp_path / "logs") == ["3"]
    said = capfd.readouterr()
    assert "can be written to again; 3 log records are missing there" in said.err
    assert said.out == ""


@pytest.mark.parametrize("without_extra", [False, True])
def test_a_disk_that_is_full_costs_lines_and_no_more(tmp_path: Path, without_extra: bool) -> None:
    """A limit on the size of files stands for the disk: writing fails in the middle of a line, as there."""
    code = f"""
import resource, signal
from pathlib import Path
from mcp_opentelemetry.logs import archives
from tests.logs.test_files import log_file
from tests.logs.lines import line
if {without_extra}:
    archives.find_spec = lambda _: None
file = log_file(Path({str(tmp_path / "server.log")!r}))
file.write(line("before"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for number in range(5):
    file.write(line("lost", fields={{"filler": "x" * 600}}))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.write(line("after"))
file.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.count("File too large") == 1
    assert "log records are missing" in done.stderr
    written = (tmp_path / "server.log").read_text().splitlines()
    assert json.loads(written[0])["message"] == "before"
    assert json.loads(written[-1])["message"] == "after"
    whole = [text for text in written if text.endswith("}")]
    assert len(written) - len(whole) <= 1  # the line that the disk has cut


def test_an_archive_that_cannot_be_made_lets_the_file_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archives, "find_spec", lambda _: None)
    monkeypatch.setattr(archives.shutil, "copyfileobj", full)
    file = log_file(tmp_path / "server.log", log_max_bytes=2000)
    for number in range(100):
        file.write(line(f"{number:04}"))
    file.close()
    assert messages_in(tmp_path) == [f"{number:04}" for number in range(100)]
    assert capfd.readouterr().err.count("cannot archive") == 1


def test_older_archives_stay_when_a_newer_one_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "find_spec", lambda _: None)
    file = log_file(tmp_path / "server.log", log_max_bytes=2000, log_backups=3)
    for number in range(60):
        file.write(line(f"{number:04}"))
    before = {path.name: path.read_bytes() for path in tmp_path.glob("server.log.*.gz")}
    assert len(before) == 3
    tries: list[None] = []

    def full(*_: object, **__: object) -> None:
        tries.append(None)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archives.shutil, "copyfileobj", full)
    for number in range(60):
        file.write(line(f"{number:04}"))
    file.close()
    assert {path.name: path.read_bytes() for path in tmp_path.glob("server.log.*.gz")} == before
    assert len(tries) == 1, "not for every line"


@pytest.mark.usefixtures("kind")
def test_a_file_without_archives_is_bounded_too(tmp_path: Path) -> None:
    file = log_file(tmp_path / "server.log", log_max_bytes=2000, log_backups=0)
    for number in range(200):
        file.write(line(f"{number:04}"))
    file.close()
    assert (tmp_path / "server.log").stat().st_size <= 2500
    assert messages_in(tmp_path)[-1] == "0199"


def test_a_file_that_the_application_writes_to_is_left_to_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    own = logging.FileHandler(tmp_path / "server.log")
    logging.getLogger("application").addHandler(own)
    try:
        file = log_file(tmp_path / "server.log")
        file.write(line("ours"))
        file.close()
    finally:
        logging.getLogger("application").removeHandler(own)
        own.close()
    assert (tmp_path / "server.log").read_text() == ""
    assert "the application writes to it" in capfd.readouterr().err


def test_standard_output_is_no_log_file(capfd: pytest.CaptureFixture[str]) -> None:
    file = log_file(Path("/dev/stdout"))
    file.write(line("not there"))
    file.close()
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "standard output" in captured.err


def test_six_processes_lose_and_tear_nothing_through_archives(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from tests.logs.test_files import log_file
from tests.logs.lines import line
folder, process = sys.argv[1:]
file = log_file(Path(folder) / "server.log", log_max_bytes=50_000, log_backups=500)
for number in range(4000):
    file.write(line(f"{process}-{number:04}"))
file.close()
"""
    start = perf_counter()
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(number)], stdout=subprocess.PIPE)
        for number in range(6)
    ]
    outs = [process.communicate(timeout=300)[0] for process in processes]
    assert outs == [b""] * 6
    messages = messages_in(tmp_path)
    archived = len(list(tmp_path.glob("server.log.*.gz")))
    print(f"6 processes, {len(messages)} lines, {archived} archives: {perf_counter() - start:.1f} s")
    assert archived > 5
    assert sorted(messages) == [f"{process}-{number:04}" for process in range(6) for number in range(4000)]


def test_without_the_extra_another_process_has_a_file_of_its_own(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from mcp_opentelemetry.logs import archives
from tests.logs.test_files import log_file
from tests.logs.lines import line
archives.find_spec = lambda _: None
file = log_file(Path(sys.argv[1]) / "server.log")
file.write(line(sys.argv[2]))
print("ready", flush=True)
sys.stdin.read()
"""
    processes = []
    try:
        for name in ("first", "second", "third"):
            process = subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            processes.append(process)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        errors = [process.communicate()[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert errors[0] == ""
    for number, error in ((2, errors[1]), (3, errors[2])):
        assert f"writes to {tmp_path}/server-{number}.log" in error
        assert "pip install 'mcp-opentelemetry[logs]'" in error
    assert {path.name: json.loads(path.read_text())["message"] for path in tmp_path.glob("*.log")} == {
        "server.log": "first",
        "server-2.log": "second",
        "server-3.log": "third",
    }


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # the test asks for it
def test_a_forked_child_does_not_share_its_parents_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "find_spec", lambda _: None)
    file = log_file(tmp_path / "server.log")
    file.write(line("parent"))
    if (child := os.fork()) == 0:
        file.write(line("child"))
        os._exit(0)
    os.waitpid(child, 0)
    file.close()
    assert json.loads((tmp_path / "server-2.log").read_text())["message"] == "child"
    assert len((tmp_path / "server.log").read_text().splitlines()) == 1
