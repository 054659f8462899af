"""Limits of control groups: recorded file trees for every layout, and a real group where the machine allows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_opentelemetry.system.cgroup import CpuLimit, MemoryLimit, cpu_limit, memory_limit
from mcp_opentelemetry.system.reading import read_vitals
from tests.waiting import eventually

MIB: Final = 2**20
NO_LIMIT: Final = 9223372036854771712
V1_MEMORY: Final = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory"
V1_CPU: Final = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
V2: Final = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
UNIFIED: Final = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"
ROOT: Final = "23 1 8:1 / / rw - ext4 /dev/sda1 rw"


def record(root: Path, memberships: str, mounts: list[str], files: dict[str, dict[str, object]]) -> Path:
    """Write down what a process sees of its control groups; `files` by directory below the root."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(memberships + "\n")
    (root / "proc/self/mountinfo").write_text("\n".join([ROOT, *mounts]) + "\n")
    for directory, contents in files.items():
        (root / directory).mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (root / directory / name).write_text(f"{content}\n")
    return root


def v1(limit: object, usage: int = 300, cache: int = 100) -> dict[str, object]:
    stat = f"cache 7\ninactive_file 1\ntotal_cache 8\ntotal_inactive_file {cache}"
    return {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": usage, "memory.stat": stat}


def v2(limit: object, usage: int = 300, cache: int = 100) -> dict[str, object]:
    return {"memory.max": limit, "memory.current": usage, "memory.stat": f"anon 5\ninactive_file {cache}\nfile 6"}


def v1_cpu(quota: int, period: int = 100_000) -> dict[str, object]:
    return {"cpu.cfs_quota_us": quota, "cpu.cfs_period_us": period, "cpuacct.usage": 2_500_000_000}


def v2_cpu(maximum: str) -> dict[str, object]:
    return {"cpu.max": maximum, "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000"}


def test_v2_in_a_container_has_its_limit_at_the_mount(tmp_path: Path) -> None:
    record(tmp_path, "0::/", [V2], {"sys/fs/cgroup": {**v2(1000), **v2_cpu("150000 100000")}})
    directory = str(tmp_path / "sys/fs/cgroup")
    assert memory_limit(tmp_path) == MemoryLimit(200, 1000, directory)
    assert cpu_limit(tmp_path) == CpuLimit(1.5, 1.5, directory)


def test_smaller_limit_of_a_parent_holds_with_the_usage_of_the_parent(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/a.slice": {**v2(800, 700, 50), **v2_cpu("50000 100000")},
        "sys/fs/cgroup/a.slice/b.slice": {**v2("max", 500), **v2_cpu("max 100000")},
        "sys/fs/cgroup/a.slice/b.slice/c.service": {**v2(1000, 400), **v2_cpu("200000 100000")},
    }
    record(tmp_path, "0::/a.slice/b.slice/c.service", [V2], files)
    parent = str(tmp_path / "sys/fs/cgroup/a.slice")
    assert memory_limit(tmp_path) == MemoryLimit(650, 800, parent)
    assert cpu_limit(tmp_path) == CpuLimit(0.5, 1.5, parent)


def test_own_limit_holds_where_it_is_the_smallest(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup/a": v2(800), "sys/fs/cgroup/a/b": v2(400), "sys/fs/cgroup/a/b/sibling": v2(1)}
    record(tmp_path, "0::/a/b", [V2], files)
    assert memory_limit(tmp_path) == MemoryLimit(200, 400, str(tmp_path / "sys/fs/cgroup/a/b"))


def test_v1_walks_up_to_the_mount(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/memory": v1(NO_LIMIT),
        "sys/fs/cgroup/memory/a": v1(900),
        "sys/fs/cgroup/memory/a/b": v1(NO_LIMIT),
        "sys/fs/cgroup/cpu,cpuacct/x": v1_cpu(-1),
        "sys/fs/cgroup/cpu,cpuacct": v1_cpu(25_000),
    }
    record(tmp_path, "5:memory:/a/b\n4:cpu,cpuacct:/x", [V1_MEMORY, V1_CPU], files)
    assert memory_limit(tmp_path) == MemoryLimit(200, 900, str(tmp_path / "sys/fs/cgroup/memory/a"))
    assert cpu_limit(tmp_path) == CpuLimit(0.25, 2.5, str(tmp_path / "sys/fs/cgroup/cpu,cpuacct"))


@pytest.mark.parametrize("mounts", [[V1_MEMORY, UNIFIED], [UNIFIED, V1_MEMORY]], ids=["v1 first", "v2 first"])
@pytest.mark.parametrize("memberships", ["9:memory:/job\n0::/", "0::/\n9:memory:/job"], ids=["v1 line", "v2 line"])
def test_hybrid_finds_the_limit_in_either_hierarchy(tmp_path: Path, mounts: list[str], memberships: str) -> None:
    files = {"sys/fs/cgroup/memory/job": v1(700), "sys/fs/cgroup/unified": {"cgroup.procs": "1"}}
    record(tmp_path, memberships, mounts, files)
    assert memory_limit(tmp_path) == MemoryLimit(200, 700, str(tmp_path / "sys/fs/cgroup/memory/job"))


@pytest.mark.parametrize("mounts", [[V1_CPU, UNIFIED], [UNIFIED, V1_CPU]], ids=["v1 first", "v2 first"])
def test_hybrid_counts_processor_time_in_the_hierarchy_that_counts_it(tmp_path: Path, mounts: list[str]) -> None:
    files = {
        "sys/fs/cgroup/cpu,cpuacct/s.slice": v1_cpu(50_000),
        "sys/fs/cgroup/unified/s.slice": {"cgroup.procs": "1"},
    }
    record(tmp_path, "4:cpu,cpuacct:/s.slice\n0::/s.slice", mounts, files)
    assert cpu_limit(tmp_path) == CpuLimit(0.5, 2.5, str(tmp_path / "sys/fs/cgroup/cpu,cpuacct/s.slice"))


def test_processor_time_may_be_counted_in_another_mount(tmp_path: Path) -> None:
    mounts = [
        "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
        "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct",
    ]
    files: dict[str, dict[str, object]] = {
        "sys/fs/cgroup/cpu/job": {"cpu.cfs_quota_us": 50_000, "cpu.cfs_period_us": 100_000},
        "sys/fs/cgroup/cpuacct/job": {"cpuacct.usage": 3_000_000_000},
    }
    record(tmp_path, "2:cpuacct:/job\n1:cpu:/job", mounts, files)
    assert cpu_limit(tmp_path) == CpuLimit(0.5, 3.0, str(tmp_path / "sys/fs/cgroup/cpu/job"))


@pytest.mark.parametrize("below", ["", "/inner"])
def test_docker_on_v1_without_a_namespace_mounts_its_own_group(tmp_path: Path, below: str) -> None:
    mount = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory"
    record(tmp_path, f"9:memory:/docker/abc{below}", [mount], {f"sys/fs/cgroup/memory{below}": v1(512 * MIB)})
    assert memory_limit(tmp_path) == MemoryLimit(200, 512 * MIB, str(tmp_path / f"sys/fs/cgroup/memory{below}"))


@pytest.mark.parametrize("path", ["/../..", "/../sibling", "/docker/other", "/docker/abcdef"])
def test_path_outside_of_the_mount_is_taken_for_the_mount(tmp_path: Path, path: str) -> None:
    mount = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory"
    record(tmp_path, f"9:memory:{path}", [mount], {"sys/fs/cgroup/memory": v1(600), "sys/fs": v1(1), "sys": v1(1)})
    assert memory_limit(tmp_path) == MemoryLimit(200, 600, str(tmp_path / "sys/fs/cgroup/memory"))


def test_escaped_mount_points_are_read(tmp_path: Path) -> None:
    mount = r"30 23 0:26 /a\040b /mnt/my\040groups\134x rw - cgroup2 cgroup2 rw"
    record(tmp_path, "0::/a b/c:d", [mount], {r"mnt/my groups\x/c:d": v2(700)})
    assert memory_limit(tmp_path) == MemoryLimit(200, 700, str(tmp_path / r"mnt/my groups\x/c:d"))


@pytest.mark.parametrize(
    ("memberships", "mount", "directory", "files"),
    [
        ("0::/", V2, "sys/fs/cgroup", {**v2("max"), **v2_cpu("max 100000")}),
        ("0::/", V2, "sys/fs/cgroup", {}),
        ("9:memory:/", V1_MEMORY, "sys/fs/cgroup/memory", v1(NO_LIMIT)),
        ("4:cpu,cpuacct:/", V1_CPU, "sys/fs/cgroup/cpu,cpuacct", v1_cpu(-1)),
        ("4:cpu,cpuacct:/", V1_CPU, "sys/fs/cgroup/cpu,cpuacct", v1_cpu(50_000, period=0)),
        ("4:cpu,cpuacct:/", V1_CPU, "sys/fs/cgroup/cpu,cpuacct", v1_cpu(50_000, period=-5)),
        ("0::/", V2, "sys/fs/cgroup", {"memory.max": "1000", "cpu.max": "5000 10000"}),
        ("0::/", V2, "sys/fs/cgroup", {"memory.max": "²", "memory.current": "--5", "cpu.max": "²³ --"}),
        ("0::/", V2, "sys/fs/cgroup", {**v2(0), **v2_cpu("0 100000")}),
        ("", "", "sys", {}),
    ],
)
def test_no_limit_is_found_where_there_is_none_or_none_that_can_be_read(
    tmp_path: Path, memberships: str, mount: str, directory: str, files: dict[str, object]
) -> None:
    record(tmp_path, memberships, [mount], {directory: files})
    assert memory_limit(tmp_path) is None
    assert cpu_limit(tmp_path) is None


def test_no_limit_is_found_without_proc(tmp_path: Path) -> None:
    assert memory_limit(tmp_path) is None
    assert cpu_limit(tmp_path) is None


def test_line_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    record(tmp_path, "garbage\n::\n0::/", ["garbage", "1 2 - cgroup2", V2, "- - -"], {"sys/fs/cgroup": v2(900)})
    assert memory_limit(tmp_path) == MemoryLimit(200, 900, str(tmp_path / "sys/fs/cgroup"))


def test_usage_is_never_negative_and_needs_no_statistics(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup": v2(900, usage=50, cache=60)}
    assert memory_limit(record(tmp_path / "one", "0::/", [V2], files)) == MemoryLimit(
        0, 900, str(tmp_path / "one/sys/fs/cgroup")
    )
    del files["sys/fs/cgroup"]["memory.stat"]
    assert memory_limit(record(tmp_path / "two", "0::/", [V2], files)) == MemoryLimit(
        50, 900, str(tmp_path / "two/sys/fs/cgroup")
    )


@pytest.mark.parametrize(("limit", "scope"), [(64 * MIB, "cgroup"), (2**50, "host"), ("max", "host")])
def test_utilisation_is_against_the_limit_if_there_is_less_than_the_host_has(
    tmp_path: Path, limit: object, scope: str
) -> None:
    files = {"sys/fs/cgroup": v2(limit, 48 * MIB, 16 * MIB)}
    memory = read_vitals(root=record(tmp_path, "0::/", [V2], files)).memory
    assert memory is not None
    assert memory.scope == scope
    if scope == "cgroup":
        assert (memory.used, memory.total, memory.ratio) == (32 * MIB, 64 * MIB, 0.5)
    else:
        assert memory.total == psutil.virtual_memory().total


@pytest.mark.parametrize(("maximum", "scope"), [("25000 100000", "cgroup"), ("90000000 100000", "host")])
def test_processors_are_those_of_the_limit_if_they_are_fewer_than_the_host_has(
    tmp_path: Path, maximum: str, scope: str
) -> None:
    cpu = read_vitals(root=record(tmp_path, "0::/", [V2], {"sys/fs/cgroup": v2_cpu(maximum)})).cpu
    assert cpu is not None
    assert cpu.scope == scope
    assert cpu.available == (0.25 if scope == "cgroup" else psutil.cpu_count())


TEXT = st.text(max_size=60) | st.sampled_from(["²", "--5", "9" * 5000, "-", "1 0", "1 -1", "\0", "max", ":::"])
PIECES = st.lists(
    st.sampled_from(["0::/", "9:memory:/a", V2, V1_MEMORY, V1_CPU, "\\000", "\\999", "/a\0b", " - ", ":", "²"]) | TEXT,
    max_size=5,
).map("\n".join)


@given(cgroup=PIECES, mountinfo=PIECES, number=TEXT, other=TEXT)
@example("0::/", r"30 23 0:26 / /sys\000/x rw - cgroup2 cgroup2 rw", "1", "1")
@example("0::/a\0b", V2, "1", "1")
@example("0::/", V2, "9" * 400, "9" * 400)
@example("0::/", V2, "² 1", "²")
def test_no_text_ever_raises(cgroup: str, mountinfo: str, number: str, other: str) -> None:
    with TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "proc/self").mkdir(parents=True)
        group = root / "sys/fs/cgroup"
        group.mkdir(parents=True)
        contents = {
            root / "proc/self/cgroup": cgroup,
            root / "proc/self/mountinfo": mountinfo,
            group / "memory.max": number,
            group / "memory.current": other,
            group / "memory.stat": f"inactive_file {number}\n{other}",
            group / "cpu.max": f"{number} {other}",
            group / "cpu.stat": f"usage_usec {other}",
        }
        for path, text in contents.items():
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
        memory, cpu = memory_limit(root), cpu_limit(root)
    assert memory is None or (memory.limit > 0 and memory.used >= 0)
    assert cpu is None or cpu.cpus > 0


V1_ROOT: Final = Path("/sys/fs/cgroup")
# Joins the groups before Python starts, so that everything it allocates is charged to them.
_JOIN: Final = 'for group in $GROUPS_TO_JOIN; do echo $$ > "$group/cgroup.procs"; done; exec "$@"'
_PRINT: Final = """
import dataclasses, json
from mcp_opentelemetry.system.cgroup import cpu_limit, memory_limit
from mcp_opentelemetry.system.reading import read_vitals
vitals = read_vitals()
print(json.dumps([dataclasses.asdict(part) for part in (vitals.memory, vitals.cpu, memory_limit(), cpu_limit())]))
"""


@contextmanager
def _group(parent: Path, settings: dict[str, str]) -> Iterator[Path]:
    """Make a control group with these settings; it has to be empty in the end."""
    group = parent / f"mcp-opentelemetry-test-{os.getpid()}"
    group.mkdir()
    try:
        for name, value in settings.items():
            (group / name).write_text(value)
        yield group
    finally:
        # Without the effect of the last process that has left, which the kernel may take note of a moment later.
        eventually(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


@pytest.fixture
def limited() -> Iterator[list[Path]]:
    """Groups of version 1 with limits of 256 MiB and half a processor."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can make control groups")
    settings: dict[str, dict[str, str]] = {
        "memory": {"memory.limit_in_bytes": str(256 * MIB)},
        "cpu": {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"},
        "cpuacct": {},
    }
    with ExitStack() as stack:
        groups: list[Path] = []
        for controller, values in settings.items():
            if not (V1_ROOT / controller / "cgroup.procs").exists():
                pytest.skip(f"there is no control group {controller} of version 1 on this machine")
            parent = V1_ROOT / controller
            if (parent / "cgroup.procs").resolve() in {(group.parent / "cgroup.procs").resolve() for group in groups}:
                continue  # cpu and cpuacct are links to one hierarchy, as systemd has it
            try:
                groups.append(stack.enter_context(_group(parent, values)))
            except OSError as error:
                pytest.skip(f"control groups of {controller} cannot be made here: {error}")
        yield groups


def test_process_in_a_real_control_group_knows_its_limits(limited: list[Path]) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", _JOIN, "sh", sys.executable, "-c", _PRINT],
        env={**os.environ, "GROUPS_TO_JOIN": " ".join(map(str, limited))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    memory, cpu, memory_limit, cpu_limit = json.loads(done.stdout)
    assert (memory["total"], memory["scope"]) == (256 * MIB, "cgroup")
    assert 0 < memory["used"] < 256 * MIB
    assert (cpu["available"], cpu["scope"]) == (0.5, "cgroup")
    assert cpu["busy"] > 0
    assert [memory_limit["source"], cpu_limit["source"]] == [str(limited[0]), str(limited[1])]
