"""The end of the process: everything is flushed, side by side, within a deadline."""

from __future__ import annotations

import atexit
import logging
import signal
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from mcp_opentelemetry.forks import in_child

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

_logger = logging.getLogger("mcp_opentelemetry")


class Provider(Protocol):
    """A provider of the SDK."""

    def shutdown(self) -> None:
        """Flush and stop."""


class Farewell:
    """Shuts providers down at exit and on SIGTERM, and gives up after a while.

    The SDK's own handlers do it one after the other, each for as long as its exporter retries.

    Args:
        providers: what to shut down.
        seconds: how long that may take, asked when the time has come: only then is the transport known.
    """

    def __init__(self, providers: Sequence[Provider], seconds: Callable[[], float]) -> None:
        self._providers = providers
        self._seconds = seconds
        self._start_threads()
        # Last in, first out: before the handlers that the providers have registered.
        atexit.register(self)
        in_child(self._begin_anew)

    def __call__(self) -> None:
        """Shut everything down; returns when it is done, or when the time is up."""
        if self._deadline is None:  # else a signal has come while this is under way: the time goes on
            self._deadline = monotonic() + self._seconds()
            self._go.set()
        for thread in self._threads:
            thread.join(max(0.0, self._deadline - monotonic()))

    def on_sigterm(self) -> None:
        """Run on SIGTERM too, and let the process die of it as it would have.

        Python runs no exit handlers then, and uvicorn raises the signal again after its own shutdown. A handler
        of the application's stays: it owns the signal, and a clean exit runs ours. To be called again where somebody
        may have put the default back, as gunicorn does in its workers.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return

        signal.signal(signal.SIGTERM, self._die)

    def on_exit_of_child(self) -> None:
        """Run at the end of a child of `multiprocessing`, too: one that was forked knows no exit handlers but those."""
        if "multiprocessing.util" not in sys.modules:
            return  # nobody has started this process with it
        from multiprocessing import parent_process, util  # noqa: PLC0415 (see above: it is there)

        if parent_process() is not None:
            util.Finalize(None, self, exitpriority=0)

    def _die(self, signum: int, _: FrameType | None) -> None:
        self()
        signal.signal(signum, signal.SIG_DFL)
        signal.raise_signal(signum)

    def _begin_anew(self) -> None:
        if signal.getsignal(signal.SIGTERM) == self._die:
            # A pool's worker is told to go like that, and its parent waits. One that serves asks for us again.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._start_threads()

    def _start_threads(self) -> None:
        # Now, because CPython 3.12 starts no threads any more once exit handlers run.
        self._go = threading.Event()
        self._deadline: float | None = None
        self._threads = [
            threading.Thread(target=self._wait, args=(provider,), name="mcp-opentelemetry-farewell", daemon=True)
            for provider in self._providers
        ]
        for thread in self._threads:
            thread.start()

    def _wait(self, provider: Provider) -> None:
        self._go.wait()
        try:
            provider.shutdown()
        except Exception:
            _logger.exception("an exporter failed at shutdown")


def handles_sigterm() -> bool:
    """Return whether a farewell is what SIGTERM runs."""
    return isinstance(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), Farewell)
