"""The logs of this process: what is read how, and where it goes."""

from __future__ import annotations

import atexit
import logging
import os
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.logs import formats
from mcp_opentelemetry.logs.console import for_people, write_line
from mcp_opentelemetry.logs.export import exporting
from mcp_opentelemetry.logs.handlers import Handlers
from mcp_opentelemetry.logs.pipeline import Pipeline
from mcp_opentelemetry.logs.reading import Reader
from mcp_opentelemetry.logs.writer import Writer
from mcp_opentelemetry.redaction import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcp_opentelemetry.config import Settings
    from mcp_opentelemetry.instrumentation.patches import Patches
    from mcp_opentelemetry.logs.line import Line
    from mcp_opentelemetry.logs.reading import RedactLog

    Sink = Callable[[Line], None]

_LAST_SECONDS: Final = 0.5  # to write what waits at the end: a client that reads no stderr must not hold it up


class Logs:
    """Makes one handler of ours the way to the console, a file, OpenTelemetry and the client.

    Args:
        settings: returns them.
        service: returns the name of the service.
        to_client: takes lines for the client whose call they were logged in.
    """

    def __init__(
        self, settings: Callable[[], Settings], service: Callable[[], str], to_client: Callable[[Line], None]
    ) -> None:
        self.redact: RedactLog | None = None
        self._settings = settings
        self._to_client = to_client
        self._formats = {"otel": formats.otel, "ecs": formats.ecs(service)}
        self._writers: list[Writer] = []
        self._pipeline = Pipeline(self.flush)
        self._handlers = Handlers(self._pipeline, self._restore_level, self._take_over)
        self._levels: tuple[int, int] | None = None  # before, and ours

    def install(self, patches: Patches) -> None:
        """Watch who else configures logging."""
        self._handlers.install(patches)

    @guarded
    def start(self) -> None:
        """Begin to take records, or take the settings over if that is done already."""
        settings = self._settings()
        had_sdk = self._handlers.has_sdk()
        exporters = self._take()
        self._set_level(settings, had_sdk=had_sdk)
        before, self._writers = self._writers, []
        # Each for itself: one that cannot be made takes none of the others along.
        made = (self._make_console(settings), self._make_file(settings), exporting(exporters))
        sinks: list[Sink] = [sink for sink in made if sink is not None]
        if settings.log_to_client is not None:
            sinks.append(self._to_client)
        reader = Reader(settings.capture != "none", Secrets(settings.log_redact), self.redact)
        self._pipeline.connect(reader, sinks, settings.log_rate_limit)
        self._root_handler()
        _close(before)

    def close(self) -> None:
        """Let go of everything, and put back what was there before."""
        logging.getLogger().removeHandler(self._pipeline)
        atexit.unregister(self.shutdown)
        self._handlers.give_back()
        self._pipeline.connect(Reader(), (), 0)
        before, self._writers = self._writers, []
        _close(before)
        self._restore_level()

    def flush(self) -> None:
        """Wait until all is written, but not for long."""
        deadline = monotonic() + _LAST_SECONDS
        for writer in self._writers:
            writer.flush(max(0.0, deadline - monotonic()))

    def shutdown(self) -> None:
        """Have all written that waits, at the end of a process or of a server in it."""
        self._pipeline.flush()

    def _root_handler(self) -> None:
        root = logging.getLogger()
        if self._pipeline not in root.handlers:
            root.addHandler(self._pipeline)
            # Not left to `logging`: whoever configures it makes it forget the handlers of before.
            atexit.register(self.shutdown)

    @guarded
    def _make_console(self, settings: Settings) -> Sink | None:
        name = settings.log_format or "otel"
        if name == "off":
            return None
        write = self._formats[name] if name in self._formats else for_people(os.environ)
        console = Writer("stderr", partial(write_line, write))
        self._writers.append(console)

        def put(line: Line) -> None:
            if self._is_explicit() or not self._handlers.has_application(line.logger):
                console.put(line)

        return put

    @guarded
    def _make_file(self, settings: Settings) -> Sink | None:
        if settings.log_path is None:
            return None
        from mcp_opentelemetry.logs.files import LogFile  # noqa: PLC0415 (only where there is one)

        write = formats.text if settings.log_format == "text" else self._formats.get(settings.log_format or "")
        file = LogFile(settings.log_path, settings, write or formats.otel)
        writer = Writer(settings.log_path.name, file.write, file.close)
        self._writers.append(writer)
        return writer.put

    def _take_over(self) -> None:
        """Take away again what has come since the start, and set the level again where nobody else has."""
        if self._pipeline not in logging.getLogger().handlers:
            return
        had_sdk = self._handlers.has_sdk()
        self._take()
        self._set_level(self._settings(), had_sdk=had_sdk)

    def _take(self) -> list[logging.Handler]:
        wanted = self._settings().log_format
        return self._handlers.take(sdks=wanted != "off", consoles=self._is_explicit())

    def _is_explicit(self) -> bool:
        return self._settings().log_format not in (None, "off")

    def _set_level(self, settings: Settings, *, had_sdk: bool) -> None:
        root = logging.getLogger()
        is_untouched = root.level == logging.WARNING and not had_sdk and not self._handlers.has_application()
        level = settings.log_level or (logging.INFO if is_untouched else root.level)
        if level != root.level:
            self._levels = (root.level if self._levels is None else self._levels[0], level)
            root.setLevel(level)

    def _restore_level(self) -> None:
        root = logging.getLogger()
        if self._levels is not None and root.level == self._levels[1]:
            root.setLevel(self._levels[0])
        self._levels = None


def _close(writers: Iterable[Writer]) -> None:
    for writer in writers:
        writer.close(_LAST_SECONDS)
