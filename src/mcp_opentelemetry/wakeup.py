"""Signals that wake an idle event loop, so that Python gets to run their handlers.

Python runs a handler when the main thread next executes code. A signal that comes just before the loop goes to sleep,
or that another thread receives, would wait for the loop's next event: an idle stdio server has none, and would outlive
its SIGTERM because of a handler of ours.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from typing import TYPE_CHECKING

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable


@guarded
def wake_on_signals() -> Callable[[], None] | None:
    """Make every signal wake the running loop; returns what undoes it, or `None` where nothing was to be done.

    That is so in another thread, which gets no signals; on trio, which wakes by itself; and where the application
    has asked for wake-ups itself.
    """
    if threading.current_thread() is not threading.main_thread():
        return None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    if before != -1:
        signal.set_wakeup_fd(before)
        reader.close()
        writer.close()
        return None
    loop.add_reader(reader, reader.recv, 4096)

    @guarded
    def undo() -> None:
        now = signal.set_wakeup_fd(-1)
        if now != writer.fileno():
            signal.set_wakeup_fd(now)  # somebody has asked for them since
        loop.remove_reader(reader)
        reader.close()
        writer.close()

    return undo
