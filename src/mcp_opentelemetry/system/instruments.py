"""Vitals as observable instruments, by the system and process conventions (semantic conventions v1.44.0).

Several readers collect, so the callbacks only read the last sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.metrics import Observation, get_meter

from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider

    from mcp_opentelemetry.system.sampler import Sample
    from mcp_opentelemetry.system.vitals import Filesystem

    Observe = Callable[[Sample], Iterable[Observation]]

_MODE: Final = "cpu.mode"


def observe_vitals(
    sample: Callable[[], Sample | None],
    lag: Callable[[], float | None],
    meter_provider: MeterProvider | None = None,
) -> None:
    """Report vitals and the event loop's lag.

    Args:
        sample: returns the last sample, once there is one.
        lag: returns the worst delay of the event loop of late, in seconds; `None` where no loop is watched.
        meter_provider: where they are reported; the global one if omitted.
    """
    meter = get_meter("mcp_opentelemetry", __version__, meter_provider)
    for make, name, unit, description, observe in _instruments(meter):
        make(name, [_callback(sample, observe)], unit, description)

    def observe_lag(_: CallbackOptions) -> Iterable[Observation]:
        seconds = lag()
        return [] if seconds is None else [Observation(seconds)]

    meter.create_observable_gauge(
        "mcp.event_loop.lag", [observe_lag], "s", "Worst delay of the server's event loop in the last 15 seconds."
    )


def _callback(sample: Callable[[], Sample | None], observe: Observe) -> Callable[[CallbackOptions], list[Observation]]:
    def callback(_: CallbackOptions) -> list[Observation]:
        last = sample()
        return [] if last is None else list(observe(last))

    return callback


def _instruments(meter: Meter) -> list[tuple[Callable[..., Any], str, str, str, Observe]]:
    gauge, counter = meter.create_observable_gauge, meter.create_observable_counter
    amount = meter.create_observable_up_down_counter  # what can be added up over hosts and processes
    return [
        (gauge, "system.cpu.utilization", "1", "Share of the available processors that is busy.", _cpu),
        (counter, "system.cpu.time", "s", "Processor time of the host by mode.", _cpu_time),
        (gauge, "system.memory.utilization", "1", "Share of memory, or of its limit, in use.", _memory_ratio),
        (amount, "system.memory.usage", "By", "Memory in use, without what can be taken back.", _memory_used),
        (amount, "system.memory.limit", "By", "Memory that is there, or the limit of it.", _memory_limit),
        (gauge, "system.paging.utilization", "1", "Share of swap in use.", _swap_ratio),
        (amount, "system.paging.usage", "By", "Swap in use.", _swap_used),
        (gauge, "system.filesystem.utilization", "1", "Share of a file system in use.", _disk_ratio),
        (amount, "system.filesystem.usage", "By", "Bytes of a file system by state.", _disk_usage),
        (counter, "system.network.io", "By", "Bytes over all network interfaces.", _network),
        (counter, "system.disk.io", "By", "Bytes from and to all disks.", _disk_io),
        (counter, "process.cpu.time", "s", "Processor time of this process by mode.", _process_cpu_time),
        (gauge, "process.cpu.utilization", "1", "Share of the available processors in use.", _process_cpu),
        (amount, "process.memory.usage", "By", "Resident memory of this process.", _resident),
        (amount, "process.memory.virtual", "By", "Virtual memory of this process.", _virtual),
        (gauge, "process.memory.utilization", "1", "Resident share of memory, or of its limit.", _resident_ratio),
        (amount, "process.thread.count", "{thread}", "Threads of this process.", _threads),
        (amount, "process.unix.file_descriptor.count", "{file_descriptor}", "Open descriptors.", _descriptors),
        (gauge, "mcp.process.file_descriptor.utilization", "1", "Share of the limit that is open.", _descriptor_ratio),
        (gauge, "process.uptime", "s", "Seconds since this process was started.", _uptime),
    ]


def _cpu(sample: Sample) -> Iterator[Observation]:
    # Without the mode, which the conventions recommend: the sum of all that is not idle is what everybody asks for.
    if sample.cpu is not None:
        yield Observation(sample.cpu)


def _cpu_time(sample: Sample) -> Iterator[Observation]:
    for mode, seconds in sample.vitals.cpu_times.items():
        yield Observation(seconds, {_MODE: mode})


def _memory_ratio(sample: Sample) -> Iterator[Observation]:
    if memory := sample.vitals.memory:
        yield Observation(memory.ratio, {"system.memory.state": "used"})


def _memory_used(sample: Sample) -> Iterator[Observation]:
    if memory := sample.vitals.memory:
        yield Observation(memory.used, {"system.memory.state": "used"})


def _memory_limit(sample: Sample) -> Iterator[Observation]:
    if memory := sample.vitals.memory:
        yield Observation(memory.total)


def _swap_ratio(sample: Sample) -> Iterator[Observation]:
    if swap := sample.vitals.swap:
        yield Observation(swap.ratio, {"system.paging.state": "used"})


def _swap_used(sample: Sample) -> Iterator[Observation]:
    if swap := sample.vitals.swap:
        yield Observation(swap.used, {"system.paging.state": "used"})


def _of(filesystem: Filesystem, state: str) -> dict[str, str]:
    return {
        "system.device": filesystem.device,
        "system.filesystem.mountpoint": filesystem.mountpoint,
        "system.filesystem.type": filesystem.kind,
        "system.filesystem.state": state,
    }


def _disk_ratio(sample: Sample) -> Iterator[Observation]:
    for filesystem in sample.vitals.filesystems:
        yield Observation(filesystem.ratio, _of(filesystem, "used"))


def _disk_usage(sample: Sample) -> Iterator[Observation]:
    for filesystem in sample.vitals.filesystems:
        reserved = filesystem.total - filesystem.used - filesystem.free
        for state, size in (("used", filesystem.used), ("free", filesystem.free), ("reserved", reserved)):
            yield Observation(size, _of(filesystem, state))


def _network(sample: Sample) -> Iterator[Observation]:
    for direction, size in sample.vitals.network.items():
        yield Observation(size, {"network.io.direction": direction})


def _disk_io(sample: Sample) -> Iterator[Observation]:
    for direction, size in sample.vitals.disk.items():
        yield Observation(size, {"disk.io.direction": direction})


def _process_cpu_time(sample: Sample) -> Iterator[Observation]:
    if process := sample.vitals.process:
        for mode, seconds in process.cpu.items():
            yield Observation(seconds, {_MODE: mode})


def _process_cpu(sample: Sample) -> Iterator[Observation]:
    for mode, share in sample.process_cpu.items():
        yield Observation(share, {_MODE: mode})


def _resident(sample: Sample) -> Iterator[Observation]:
    if process := sample.vitals.process:
        yield Observation(process.resident)


def _virtual(sample: Sample) -> Iterator[Observation]:
    if process := sample.vitals.process:
        yield Observation(process.virtual)


def _resident_ratio(sample: Sample) -> Iterator[Observation]:
    process, memory = sample.vitals.process, sample.vitals.memory
    if process and memory and memory.total:
        yield Observation(min(1.0, process.resident / memory.total))  # shared pages may be charged to other groups


def _threads(sample: Sample) -> Iterator[Observation]:
    if process := sample.vitals.process:
        yield Observation(process.threads)


def _descriptors(sample: Sample) -> Iterator[Observation]:
    if (process := sample.vitals.process) and process.descriptors is not None:
        yield Observation(process.descriptors)


def _descriptor_ratio(sample: Sample) -> Iterator[Observation]:
    process = sample.vitals.process
    if process and process.descriptors is not None and process.descriptor_limit:
        yield Observation(process.descriptors / process.descriptor_limit)


def _uptime(sample: Sample) -> Iterator[Observation]:
    if process := sample.vitals.process:
        yield Observation(process.uptime)
