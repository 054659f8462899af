"""What lives once per process: the reader behind `/metrics`, health, the port of our own, and who we are.

Nothing is opened before the first MCP server serves: `opentelemetry-instrument` runs in every Python child.
"""

from __future__ import annotations

import os
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider

from mcp_opentelemetry import forked_sdk, identity
from mcp_opentelemetry.alerts.alerting import Alerting
from mcp_opentelemetry.alerts.instruments import observe_alerts
from mcp_opentelemetry.build_info import observe_build_info
from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.farewell import Farewell, handles_sigterm
from mcp_opentelemetry.forks import in_child
from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.instrumentation.client_logs import offer
from mcp_opentelemetry.logs.logs import Logs
from mcp_opentelemetry.logs.to_client import to_client
from mcp_opentelemetry.monitor import Monitor, observe
from mcp_opentelemetry.operations.call_log import CallLog
from mcp_opentelemetry.operations.capture import Capture, Redact
from mcp_opentelemetry.readers import ScrapeReader
from mcp_opentelemetry.wakeup import wake_on_signals
from mcp_opentelemetry.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import MeterProvider as ApiMeterProvider
    from starlette.routing import BaseRoute

    from mcp_opentelemetry.http.server import HttpServer
    from mcp_opentelemetry.operations.operation import Operations

_STDIO_EXIT_TIMEOUT = 1.0  # the MCP client kills a server two seconds after it has closed its stdin
_EXIT_TIMEOUT = 5.0

_runtime: Runtime | None = None


def get_runtime(settings: Settings | None = None) -> Runtime:
    """Return the runtime of this process.

    Args:
        settings: replaces those that it has; the first time, those of the environment are the default.
    """
    global _runtime  # noqa: PLW0603 (what lives once per process has to live somewhere)
    if _runtime is None:
        _runtime = Runtime(settings or Settings.from_mapping(os.environ))
    elif settings is not None:
        _runtime.settings = settings
    return _runtime


class Runtime:
    """The one runtime of a process.

    Args:
        settings: what to open, and to whom.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redact: Redact | None = None
        self.service_name: str | None = None
        self.logs = Logs(lambda: self.settings, self.service, to_client(lambda: self.settings.log_to_client))
        self.farewell: Farewell | None = None
        self.workers = Workers()
        self._knows_forks = False
        self._watch(Monitor(lambda: self.settings))
        self._reader = ScrapeReader()
        self._lock = Lock()
        self._provider: MeterProvider | None = None
        self._http: HttpServer | None = None
        self._is_on_stdio = False
        self._started: float | None = None
        self._server_name: str | None = None
        self._server_version: str | None = None

    def attach(self) -> None:
        """Put our readers on the meter provider, whoever has set it; does nothing while there is none."""
        provider = metrics.get_meter_provider()
        with self._lock:
            if self._provider is None and isinstance(provider, MeterProvider):
                provider.add_metric_reader(self._reader)
                self.monitor.reader.attach(provider)
                self._provider = provider
            if not self._knows_forks:
                in_child(self._begin_anew)  # after the provider, which renames the instance there
                self._knows_forks = True

    def observe(self, meter_provider: ApiMeterProvider | None = None) -> None:
        """Make the instruments of all that is observed; once only, because an instrument cannot be taken back.

        Args:
            meter_provider: where it is reported; the global one if omitted.
        """
        observe_build_info(self.server, meter_provider)
        observe(lambda: self.monitor, meter_provider)
        observe_alerts(lambda: self.alerting, meter_provider)

    @guarded
    def serving(self, server: Any = None) -> None:
        """Take note that a server serves; the first one starts what watches it and opens the port of our own.

        Args:
            server: a low-level server of an MCP SDK, if it is known.
        """
        self.monitor.loops.watch()
        if self.settings.log_to_client is not None and server is not None:
            offer(server)
        with self._lock:
            if self._server_name is None:
                self._server_name = getattr(server, "name", None)
                self._server_version = getattr(server, "version", None) or None
            if self._started is not None:
                return
            self._started = monotonic()
            self.workers.stands_by = False
        self.logs.start()
        self.attach()
        self.monitor.start()
        self.alerting.start()
        if self.settings.http_port is not None:
            from mcp_opentelemetry.http.own_port import open_port  # noqa: PLC0415 (as in routes)

            self._http = open_port(self, self.settings.http_host, self.settings.http_port)

    def server(self) -> tuple[str | None, str | None] | None:
        """Return the name and version of the first server that has served; `None` where others serve."""
        if self.workers.stands_by:
            return None
        return self._server_name, self._server_version

    def serving_on_stdio(self) -> Callable[[], None] | None:
        """Take note that standard output belongs to the protocol; returns what to call when it no longer does."""
        self._is_on_stdio = True
        self.await_end()
        # Without a handler of ours, SIGTERM needs no help.
        return wake_on_signals() if handles_sigterm() else None

    @guarded
    def await_end(self) -> None:
        """Have everything flushed in the end, where a web server or a fork has put the default back."""
        if self.farewell is not None:
            self.farewell.on_sigterm()
            self.farewell.on_exit_of_child()

    def close(self) -> None:
        """Close the port, stop watching, and take our readers off the meter provider."""
        self.alerting.close(self.exit_timeout())
        self.monitor.close()
        self.logs.close()
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None
            if self._provider is not None:
                self._provider.remove_metric_reader(self._reader)
                self.monitor.reader.detach(self._provider)
                self._provider = None
            self._reader = ScrapeReader()
            self._started = None
        self._watch(Monitor(lambda: self.settings))

    def instruct(self, operations: Operations) -> None:
        """Tell operations what may be recorded beyond names, types, sizes and durations, and what is logged."""
        wanted = self.settings.capture
        operations.capture = Capture(errors=wanted != "none", content=wanted == "content", redact=self.redact)
        operations.log = CallLog(*self.settings.log_success_ratio)
        operations.tells_clients = self.settings.log_to_client is not None

    def routes(self) -> list[BaseRoute]:
        """Return the endpoints for an MCP app."""
        from mcp_opentelemetry.http.routes import make_routes  # noqa: PLC0415 (starlette: only where MCP is served)

        return make_routes(self, self.settings.endpoints, on_own_port=False)

    def scrape(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics for an `Accept` header, and their content type; blocks while it renders."""
        return self._reader.render(accept)

    def service(self) -> str:
        """Return what this server is called."""
        given = self.service_name or identity.service_name(os.environ)
        return given or self._server_name or identity.script_name()

    def version(self) -> str | None:
        """Return the version of this server."""
        return identity.service_version(os.environ) or self._server_version

    def uptime(self) -> float:
        """Return for how long a server has been serving, in seconds."""
        return round(monotonic() - self._started, 3) if self._started is not None else 0.0

    def exit_timeout(self) -> float:
        """Return how long exit may wait for exporters, in seconds."""
        default = _STDIO_EXIT_TIMEOUT if self._is_on_stdio else _EXIT_TIMEOUT
        return default if self.settings.exit_timeout is None else self.settings.exit_timeout

    def _watch(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.alerting = Alerting(lambda: self.settings, monitor.window, monitor.loops.running, self.service)

    def _begin_anew(self) -> None:
        """Be the runtime of a forked child, which serves nothing yet; what has been observed is its parent's."""
        self.alerting.leave_to_parent()
        before, self._lock, self._http, self._started = self.monitor, Lock(), None, None
        self._server_name = self._server_version = None
        self._is_on_stdio = False
        # The seams know these three.
        for told in (self.workers, before.lifecycle, before.exports):
            told.begin_anew()
        if (provider := self._provider) is not None:
            forked_sdk.count_from_zero(provider)
            provider.remove_metric_reader(self._reader)
            before.reader.detach(provider)
            self._provider = None
        forked_sdk.rename_instance(identity.childs_instance_id(os.environ))
        self._reader = ScrapeReader()
        self._watch(Monitor(lambda: self.settings, before.lifecycle, before.exports))
        self.attach()
