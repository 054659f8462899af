"""Vitals of this very process."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import psutil
import pytest

from mcp_opentelemetry.system.reading import read_vitals
from tests.waiting import eventually


def test_everything_is_read_on_this_machine() -> None:
    vitals = read_vitals()
    assert vitals.memory is not None
    assert 0 < vitals.memory.ratio <= 1
    assert vitals.cpu is not None
    assert vitals.cpu.busy > 0
    assert vitals.cpu.available > 0
    assert vitals.process is not None
    assert vitals.process.resident > 0
    assert vitals.process.threads >= threading.active_count()
    assert vitals.process.uptime > 0
    assert {"user", "system", "idle"} <= vitals.cpu_times.keys()
    assert "guest" not in vitals.cpu_times


def test_later_reading_has_counted_on() -> None:
    earlier, later = read_vitals(), read_vitals()
    assert later.taken > earlier.taken
    assert earlier.process is not None
    assert later.process is not None
    assert all(seconds >= earlier.process.cpu[mode] for mode, seconds in later.process.cpu.items())
    assert later.process.uptime >= earlier.process.uptime


@pytest.mark.skipif(not hasattr(os, "fork"), reason="descriptors are POSIX's")
def test_open_descriptors_are_counted() -> None:
    def more_with_two_files() -> int:
        before = read_vitals().process
        with tempfile.TemporaryFile(), tempfile.TemporaryFile():
            now = read_vitals().process
        assert before is not None
        assert now is not None
        assert before.descriptors is not None
        assert now.descriptors is not None
        assert now.descriptor_limit is None or now.descriptor_limit >= now.descriptors
        return now.descriptors - before.descriptors

    # A thread that another test has left behind may close one of its own in between.
    eventually(lambda: more_with_two_files() == 2)


def test_file_systems_are_those_of_the_directories_each_once(tmp_path: Path) -> None:
    (own,) = read_vitals([str(Path.cwd())]).filesystems
    usage = psutil.disk_usage(str(Path.cwd()))
    assert (own.total, Path(own.mountpoint).is_mount()) == (usage.total, True)
    assert 0 <= own.ratio <= 1
    several = read_vitals([str(tmp_path), "/proc", str(tmp_path)]).filesystems
    assert len({filesystem.mountpoint for filesystem in several}) == len(several)
    assert "/proc" in {filesystem.mountpoint for filesystem in several}


def test_what_cannot_be_read_leaves_the_rest() -> None:
    vitals = read_vitals(["no file system has such a name: \0"])
    assert vitals.filesystems == ()
    assert vitals.memory is not None
