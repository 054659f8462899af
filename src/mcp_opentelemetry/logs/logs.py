"""The logs of this process: what is read how, and where it goes."""

from __future__ import annotations

import logging
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.logs import formats
from mcp_opentelemetry.logs.console import for_console, write_line
from mcp_opentelemetry.logs.export import exporting
from mcp_opentelemetry.logs.handlers import Handlers
from mcp_opentelemetry.logs.pipeline import Pipeline
from mcp_opentelemetry.logs.reading import Reader
from mcp_opentelemetry.logs.writer import Writer
from mcp_opentelemetry.redaction import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.config import Settings
    from mcp_opentelemetry.instrumentation.patches import Patches
    from mcp_opentelemetry.logs.line import Line
    from mcp_opentelemetry.logs.reading import RedactLog

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
        self._handlers = Handlers(self._pipeline, self._take_over)
        self._level_before: int | None = None

    def install(self, patches: Patches) -> None:
        """Watch who else configures logging."""
        self._handlers.install(patches)

    @guarded
    def start(self) -> None:
        """Begin to take records, or take the settings over if that is done already."""
        settings = self._settings()
        root = logging.getLogger()
        if self._pipeline not in root.handlers:
            root.addHandler(self._pipeline)
        had_sdk = self._handlers.has_sdk()
        exported = exporting(self._take())
        self._set_level(settings, had_sdk=had_sdk)
        secrets = Secrets(settings.log_redact)
        reader = Reader(settings.capture != "none", secrets, self.redact)
        sinks = [*self._written(settings), *([exported] if exported is not None else ())]
        if settings.log_to_client is not None:
            sinks.append(self._to_client)
        self._pipeline.connect(reader, sinks, settings.log_rate_limit)

    def close(self) -> None:
        """Let go of everything, and put back what was there before."""
        root = logging.getLogger()
        root.removeHandler(self._pipeline)
        self._handlers.give_back()
        self._pipeline.connect(Reader(), (), 0)
        self._close_writers()
        if self._level_before is not None:
            root.setLevel(self._level_before)
            self._level_before = None

    def flush(self) -> None:
        """Wait until all is written, but not for long."""
        deadline = monotonic() + _LAST_SECONDS
        for writer in self._writers:
            writer.flush(max(0.0, deadline - monotonic()))

    def _close_writers(self) -> None:
        writers, self._writers = self._writers, []
        for writer in writers:
            writer.close(_LAST_SECONDS)

    def _written(self, settings: Settings) -> list[Callable[[Line], None]]:
        name = settings.log_format or "otel"
        self._close_writers()
        sinks: list[Callable[[Line], None]] = []
        if name != "off":
            console = Writer("stderr", partial(write_line, for_console(name, self._formats)))
            self._writers.append(console)
            sinks.append(partial(self._on_console, console))
        if settings.log_file is not None:
            from mcp_opentelemetry.logs.files import LogFile  # noqa: PLC0415 (only where there is one)

            file = LogFile(settings, self._formats.get(name, formats.text if name == "text" else formats.otel))
            self._writers.append(Writer(settings.log_file, file.write, file.close))
            sinks.append(self._writers[-1].put)
        return sinks

    def _on_console(self, console: Writer, line: Line) -> None:
        if self._is_explicit() or not self._handlers.has_application():
            console.put(line)

    def _take_over(self) -> None:
        """Take away again what has come since the start."""
        if self._pipeline in logging.getLogger().handlers:
            self._take()

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
            self._level_before = root.level if self._level_before is None else self._level_before
            root.setLevel(level)
