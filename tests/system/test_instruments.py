"""Vitals as they are scraped."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from mcp_opentelemetry.system.instruments import observe_vitals
from mcp_opentelemetry.system.sampler import Sample
from mcp_opentelemetry.system.vitals import Filesystem, Share
from tests.system.invented import PROCESS, vitals
from tests.telemetry import Telemetry

SAMPLE = Sample(vitals(10.0), 0.5, {"user": 0.25, "system": 0.125})
DISK = {"system_device": "/dev/sda1", "system_filesystem_mountpoint": "/", "system_filesystem_type": "ext4"}
EXPECTED: list[tuple[str, dict[str, str], float]] = [
    ("system_cpu_utilization", {}, 0.5),
    ("system_cpu_time_seconds_total", {"cpu_mode": "user"}, 6.0),
    ("system_cpu_time_seconds_total", {"cpu_mode": "idle"}, 20.0),
    ("system_memory_utilization", {"system_memory_state": "used"}, 0.5),
    ("system_memory_usage_bytes", {"system_memory_state": "used"}, 500),
    ("system_memory_limit_bytes", {}, 1000),
    ("system_paging_utilization", {"system_paging_state": "used"}, 0.25),
    ("system_paging_usage_bytes", {"system_paging_state": "used"}, 10),
    ("system_filesystem_utilization", {**DISK, "system_filesystem_state": "used"}, 0.5),
    ("system_filesystem_usage_bytes", {**DISK, "system_filesystem_state": "used"}, 40),
    ("system_filesystem_usage_bytes", {**DISK, "system_filesystem_state": "free"}, 40),
    ("system_filesystem_usage_bytes", {**DISK, "system_filesystem_state": "reserved"}, 20),
    ("system_network_io_bytes_total", {"network_io_direction": "transmit"}, 11),
    ("system_network_io_bytes_total", {"network_io_direction": "receive"}, 22),
    ("system_disk_io_bytes_total", {"disk_io_direction": "read"}, 33),
    ("system_disk_io_bytes_total", {"disk_io_direction": "write"}, 44),
    ("process_cpu_time_seconds_total", {"cpu_mode": "user"}, 3.0),
    ("process_cpu_time_seconds_total", {"cpu_mode": "system"}, 1.0),
    ("process_cpu_utilization", {"cpu_mode": "user"}, 0.25),
    ("process_cpu_utilization", {"cpu_mode": "system"}, 0.125),
    ("process_memory_usage_bytes", {}, 250),
    ("process_memory_virtual_bytes", {}, 900),
    ("process_memory_utilization", {}, 0.25),
    ("process_thread_count", {}, 7),
    ("process_unix_file_descriptor_count", {}, 20),
    ("mcp_process_file_descriptor_utilization", {}, 0.25),
    ("process_uptime_seconds", {}, 12.5),
    ("mcp_event_loop_lag_seconds", {}, 0.75),
]


def observed(sample: Sample | None, lag: float | None) -> list[tuple[str, dict[str, str], float]]:
    """Return what a scrape shows of one sample."""
    telemetry = Telemetry()
    observe_vitals(lambda: sample, lambda: lag, telemetry.meter_provider)
    return [part for part in telemetry.samples() if part[0].startswith(("system_", "process_", "mcp_"))]


def by_name(samples: list[tuple[str, dict[str, str], float]]) -> list[tuple[str, list[tuple[str, str]], float]]:
    return sorted((name, sorted(labels.items()), value) for name, labels, value in samples)


def test_names_labels_and_values_are_those_of_the_contract() -> None:
    assert by_name(observed(SAMPLE, 0.75)) == by_name(EXPECTED)


def test_nothing_is_shown_before_the_first_sample_and_where_no_loop_is_watched() -> None:
    assert observed(None, None) == []


@pytest.mark.parametrize(
    ("missing", "prefixes"),
    [
        ({"memory": None}, ("system_memory", "process_memory_utilization")),
        ({"swap": None}, ("system_paging",)),
        ({"filesystems": ()}, ("system_filesystem",)),
        ({"process": None}, ("process_", "mcp_process")),
        ({"cpu_times": {}, "network": {}, "disk": {}}, ("system_cpu_time", "system_network", "system_disk")),
    ],
)
def test_what_cannot_be_read_is_left_out_and_nothing_else(missing: dict[str, Any], prefixes: tuple[str, ...]) -> None:
    shares = {} if "process" in missing else SAMPLE.process_cpu
    shown = observed(Sample(vitals(10.0, **missing), 0.5, shares), 0.75)
    assert by_name(shown) == by_name([part for part in EXPECTED if not part[0].startswith(prefixes)])


def test_descriptors_are_left_out_where_the_platform_has_none() -> None:
    process = PROCESS.__class__({"user": 1.0}, 1, 2, 3, None, None, 4.0)
    names = {name for name, _, _ in observed(Sample(vitals(10.0, process=process), None, {}), None)}
    assert not {name for name in names if "descriptor" in name}
    assert "process_thread_count" in names
    assert "system_cpu_utilization" not in names


sizes = st.integers(0, 2**63)


@given(used=sizes, total=sizes, free=sizes)
def test_shares_are_between_0_and_1(used: int, total: int, free: int) -> None:
    assert 0 <= Share(used, total).ratio <= 1
    assert 0 <= Filesystem("/", "", "", used, free, total).ratio <= 1


def test_resident_memory_beyond_the_limit_is_all_of_it() -> None:
    shown = observed(Sample(vitals(10.0, memory=Share(90, 100, "cgroup")), None, {}), None)
    assert [value for name, _, value in shown if name == "process_memory_utilization"] == [1.0]


def test_many_readers_get_the_same_numbers_and_none_of_them_samples() -> None:
    asked: list[None] = []

    def last() -> Sample:
        asked.append(None)
        return SAMPLE

    readers = [InMemoryMetricReader() for _ in range(3)]
    provider = MeterProvider(readers, shutdown_on_exit=False)
    observe_vitals(last, lambda: 0.0, provider)

    def points(reader: InMemoryMetricReader) -> dict[str, list[float]]:
        data: Any = reader.get_metrics_data()
        metrics = data.resource_metrics[0].scope_metrics[0].metrics
        return {metric.name: [point.value for point in metric.data.data_points] for metric in metrics}

    first, *others = [points(reader) for reader in (*readers, *readers)]
    assert first["system.cpu.utilization"] == [0.5]
    assert others == [first] * 5
    assert asked
