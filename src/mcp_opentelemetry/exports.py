"""What becomes of what is exported over OTLP: the last success of each signal, failures in a row, and what was lost."""

from __future__ import annotations

import logging
from collections.abc import Sized
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.instrumentation.patches import Patches

_GRPC: Final = "opentelemetry.exporter.otlp.proto.grpc"
_HTTP: Final = "opentelemetry.exporter.otlp.proto.http"
_EXPORTERS: Final = {
    "traces": ("trace_exporter", "OTLPSpanExporter.export"),
    "metrics": ("metric_exporter", "OTLPMetricExporter.export"),
    "logs": ("_log_exporter", "OTLPLogExporter.export"),
}
# The SDK tells of a full queue in a log record only; its counter costs every span two measurements.
_QUEUES: Final = "opentelemetry.sdk._shared_internal"
_QUEUE_FULL: Final = "Queue full, dropping %s."
_SIGNALS: Final = {"Span": "traces", "Log": "logs"}
_RECENT: Final = 60.0  # seconds for which a loss is news


@dataclass(slots=True)
class Signal:
    """What has become of one signal.

    Args:
        last_success: `time.monotonic()` of it.
        failures: in a row, up to now.
        lost: items that were given up, since the start.
        last_lost: `time.monotonic()` of it.
    """

    last_success: float | None = None
    failures: int = 0
    lost: int = 0
    last_lost: float | None = None

    def drops_recently(self, now: float) -> bool:
        """Return whether anything was lost in the last minute."""
        return self.last_lost is not None and now - self.last_lost < _RECENT

    def details(self, now: float) -> dict[str, Any]:
        """Return it for a report; ages in seconds."""
        age = None if self.last_success is None else round(now - self.last_success, 3)
        return {"last_success_age": age, "consecutive_failures": self.failures, "lost": self.lost}


class Exports:
    """The exports of this process."""

    def __init__(self) -> None:
        self._queue_log = logging.getLogger(_QUEUES)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Know of no export, as in a forked child."""
        self._signals: dict[str, Signal] = {}
        self._lock = Lock()

    def install(self, patches: Patches) -> None:
        """Watch the OTLP exporters, those that exist and those to come."""
        for signal, (module, path) in _EXPORTERS.items():
            for protocol in (_GRPC, _HTTP):
                patches.wrap(f"{protocol}.{module}", path, self._watching(signal))
        if self._see_record not in self._queue_log.filters:
            # The first: the SDK's own filter lets a repeated record pass once in a while only.
            self._queue_log.filters.insert(0, self._see_record)

    def remove(self) -> None:
        """Stop watching for drops."""
        self._queue_log.removeFilter(self._see_record)

    def by_signal(self) -> dict[str, Signal]:
        """Return what has become of each signal that was exported."""
        with self._lock:
            return dict(self._signals)

    def _watching(self, signal: str) -> Callable[..., Any]:
        def export(wrapped: Callable[..., Any], _exporter: Any, args: Any, kwargs: Any) -> Any:
            try:
                result = wrapped(*args, **kwargs)
            except BaseException:
                self._note(signal, None, args)
                raise
            self._note(signal, result, args)
            return result

        return export

    @guarded
    def _note(self, name: str, result: Any, args: tuple[Any, ...]) -> None:
        with self._lock:
            signal = self._signals.setdefault(name, Signal())
            if getattr(result, "name", "") == "SUCCESS":
                signal.last_success, signal.failures = monotonic(), 0
                return
            signal.failures += 1
            batch = args[0] if args else ()
            if isinstance(batch, Sized):  # metrics are cumulative: the next ones bring everything
                signal.lost += len(batch)
                signal.last_lost = monotonic()

    def _see_record(self, record: logging.LogRecord) -> bool:
        if record.msg == _QUEUE_FULL:
            self._note_drop(record)
        return True

    @guarded
    def _note_drop(self, record: logging.LogRecord) -> None:
        exporting = str(record.args[0]) if isinstance(record.args, tuple) and record.args else ""
        with self._lock:
            signal = self._signals.setdefault(_SIGNALS.get(exporting, exporting), Signal())
            signal.lost += 1
            signal.last_lost = monotonic()
