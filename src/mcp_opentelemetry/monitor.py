"""Everything that watches a serving process: vitals, event loops, exports, health, and the window of what happened."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from mcp_opentelemetry.exports import Exports
from mcp_opentelemetry.health.built_in import built_in_checks
from mcp_opentelemetry.health.health import PATIENCE, Health
from mcp_opentelemetry.health.instruments import observe_health
from mcp_opentelemetry.health.lifecycle import Lifecycle
from mcp_opentelemetry.system.event_loop import EventLoops
from mcp_opentelemetry.system.instruments import observe_vitals
from mcp_opentelemetry.system.sampler import INTERVAL, Sampler
from mcp_opentelemetry.system.ticker import Chore, Ticker
from mcp_opentelemetry.window.history import History
from mcp_opentelemetry.window.reader import WindowReader
from mcp_opentelemetry.window.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opentelemetry.metrics import MeterProvider

    from mcp_opentelemetry.config import Settings
    from mcp_opentelemetry.system.vitals import Vitals

_LOOK: Final = 1.0  # seconds between two looks at what is known anyway


class Monitor:
    """Watches one process, from `start` to `close`.

    Args:
        settings: returns the thresholds.
        lifecycle: what web servers and transports tell; a new one if omitted.
        exports: what exporters tell; new ones if omitted.
    """

    def __init__(
        self, settings: Callable[[], Settings], lifecycle: Lifecycle | None = None, exports: Exports | None = None
    ) -> None:
        self._settings = settings
        self.lifecycle = lifecycle or Lifecycle()
        self.loops = EventLoops()
        self.exports = exports or Exports()
        self.sampler = Sampler(lambda: _read_vitals(settings().log_path))
        self.health = Health(built_in_checks(settings, self.sampler, self.loops, self.exports), self.loops.running)
        self.reader = WindowReader()
        self.window = Window(self.reader.collect)
        self.history = History(self.window, self._memory, self.loops.lag)
        self._tickers: list[Ticker] = []

    def start(self) -> None:
        """Start the threads. The window has one of its own: a file system that hangs holds up vitals and health."""
        vitals = (Chore(_LOOK, lambda: self.health.refresh(unasked=True)), Chore(INTERVAL, self.sampler.sample))
        self._tickers = [
            Ticker("mcp-opentelemetry-vitals", vitals),
            Ticker("mcp-opentelemetry-window", [Chore(_LOOK, self.window.keep_up)]),
        ]

    def close(self) -> None:
        """Stop the threads, and everything that was put into the host's loops and loggers."""
        for ticker in self._tickers:
            ticker.close()
        self._tickers = []
        self.loops.close()
        self.exports.remove()

    async def look(self) -> None:
        """Bring health up to date, in less than half a second."""
        start = monotonic()
        self.health.refresh()
        if self.sampler.last is None and self._tickers:
            await to_thread.run_sync(self.sampler.wait, PATIENCE)
        await self.health.settled(max(0.0, PATIENCE - (monotonic() - start)))

    def event_loop_turns(self) -> bool:
        """Return whether the event loop that serves has turned of late; where none is watched, nothing is wrong."""
        block = self.loops.block()
        return block is None or block.seconds <= self._settings().health_loop_limit

    def _memory(self) -> float | None:
        sample = self.sampler.last
        return None if sample is None or sample.vitals.memory is None else sample.vitals.memory.ratio


def observe(monitor: Callable[[], Monitor], meter_provider: MeterProvider | None = None) -> None:
    """Make the instruments of what a monitor sees; once only, because an instrument cannot be taken back.

    Args:
        monitor: returns the monitor of the moment.
        meter_provider: where it is reported; the global one if omitted.
    """
    # Asked anew each time: what is closed and opened again has another monitor.
    observe_vitals(
        lambda: monitor().sampler.last,
        lambda: monitor().loops.lag(),  # noqa: PLW0108 (see above)
        meter_provider,
    )
    observe_health(lambda: monitor().health.states(), meter_provider)  # noqa: PLW0108 (see above)


def _read_vitals(log_path: Path | None) -> Vitals:
    from mcp_opentelemetry.system.reading import read_vitals  # noqa: PLC0415 (psutil: only where MCP is served)

    return read_vitals([str(log_path.parent)] if log_path is not None else ())
