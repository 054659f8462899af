"""Entry point `opentelemetry_instrumentor`: puts the seams in, takes them out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from mcp_opentelemetry import conflicts
from mcp_opentelemetry.configurator import is_disabled, stand_in
from mcp_opentelemetry.instrumentation.client_logs import mirror
from mcp_opentelemetry.instrumentation.http_app import HttpApps
from mcp_opentelemetry.instrumentation.patches import Patches
from mcp_opentelemetry.instrumentation.seams import install_seams, mcp_major
from mcp_opentelemetry.instrumentation.startup import watch
from mcp_opentelemetry.instrumentation.supervisors import watch_supervisors
from mcp_opentelemetry.instrumentation.web_server import WebServers
from mcp_opentelemetry.operations.operation import get_operations
from mcp_opentelemetry.runtime import get_runtime

if TYPE_CHECKING:
    from collections.abc import Collection


class McpInstrumentor(BaseInstrumentor):
    """Instruments the MCP servers of this process: those that exist and those to come."""

    _patches: Patches | None = None
    _apps: HttpApps | None = None
    _is_observed = False

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return what can be instrumented."""
        return ("mcp >= 1.24, < 3",)

    def _instrument(self, **kwargs: Any) -> None:
        if is_disabled(os.environ):
            return
        conflicts.warn(conflicts.active_conflicts(os.environ))
        stand_in(os.environ)
        runtime = get_runtime()
        runtime.attach()  # where another distribution has set the providers, this is the first that we see of them
        operations = get_operations(kwargs.get("tracer_provider"), kwargs.get("meter_provider"))
        runtime.instruct(operations)
        if not self._is_observed:  # an instrument cannot be taken back
            runtime.observe(kwargs.get("meter_provider"))
            self._is_observed = True

        self._patches = Patches()
        self._apps = HttpApps(runtime.routes)
        major = mcp_major()
        install_seams(major, operations, runtime.serving, self._patches)
        mirror(self._patches)
        runtime.logs.install(self._patches)
        watch(self._patches, runtime.serving, runtime.serving_on_stdio, runtime.monitor.lifecycle)
        watch_supervisors(self._patches, runtime.workers)
        WebServers(
            runtime.monitor.lifecycle,
            before=runtime.await_end,
            accepting=self._accepting,
            ended=runtime.logs.shutdown,
            drain_seconds=lambda: runtime.settings.drain_seconds,
        ).install(self._patches)
        runtime.monitor.exports.install(self._patches)
        self._apps.install(self._patches, major)

    def _uninstrument(self, **kwargs: Any) -> None:
        if self._patches is None or self._apps is None:
            return
        self._patches.remove()
        self._apps.remove()
        get_runtime().close()
        self._patches = self._apps = None

    def _accepting(self, ports: Collection[int]) -> None:
        get_runtime().workers.listen(ports)
        # A server over SSE starts anew for each of its clients: its app alone says that this process serves MCP.
        if self._apps is not None and self._apps:
            get_runtime().serving()
