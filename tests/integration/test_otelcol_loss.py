"""What of a process's spans and counts gets through agents, gateways and backends that go away and come back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.backend import Backend
from tests.integration.collector import Collector
from tests.integration.collector_files import GATEWAY
from tests.integration.processes import Process, wait_until
from tests.integration.stdio_servers import StdioServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Caller(Process):
    """A process with our distribution that makes tool calls when it is told to."""

    def __init__(self, collector: Collector, settings: Mapping[str, str] | None = None) -> None:
        defaults = {
            "OTEL_SERVICE_NAME": "caller",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "60",  # on a busy machine a collector needs more than the default to start
        }
        super().__init__("many_calls.py", settings={**collector.settings, **defaults, **(settings or {})})
        self.made = 0
        self._told = 0

    def make(self, count: int) -> None:
        """Make calls, and have their spans taken by whoever takes them."""
        for _ in range(count // 500):
            self.tell("500")
            self.made += 500
            self.tell("flush")

    def tell(self, line: str) -> None:
        """Return when it has done what a line says."""
        self.stdin.write(f"{line}\n")
        self.stdin.flush()
        self._told += 1
        wait_until(lambda: len(self.stdout.lines) == self._told)


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as backend:
        yield backend


@pytest.fixture
def gateway(tmp_path: Path, backend: Backend) -> Iterator[Collector]:
    settings = {"OTELCOL_BACKEND_ENDPOINT": backend.endpoint}
    with Collector(tmp_path / "gateway", GATEWAY, settings=settings) as gateway:
        yield gateway


def test_nothing_is_lost_while_agent_gateway_and_backend_come_and_go(
    agent: Collector, gateway: Collector, backend: Backend
) -> None:
    with Caller(agent) as caller:
        caller.make(2000)

        gateway.kill()
        caller.make(2000)
        gateway.start()

        backend.refuse(503)
        before = backend.requests()
        caller.make(2000)
        wait_until(lambda: backend.requests() > before)
        gateway.kill()  # what is refused is in its queue only
        gateway.start()
        backend.refuse(0)

        backend.go()
        caller.make(1500)
        gateway.stop()
        gateway.start()
        backend.come()

        gateway.kill()
        caller.make(1500)
        agent.kill()  # what it has taken is in its queue only
        agent.start()
        gateway.start()

        agent.kill()
        caller.tell("1000")  # and these are in the process only
        caller.made += 1000
        agent.start()

        wait_until(lambda: len(set(backend.spans())) == caller.made)
        wait_until(lambda: gateway.sum_of("mcp_requests_total", job="caller") == caller.made)
        arrived = backend.spans()
    print(f"{caller.made} spans made, {len(set(arrived))} arrived, {len(arrived) - len(set(arrived))} of them twice")
    assert caller.made == 10_000


def test_queue_in_memory_would_lose_what_is_taken(tmp_path: Path, backend: Backend) -> None:
    """As a control: what the test above calls lost is seen to be."""
    (tmp_path / "over.yaml").write_text("exporters: {otlp_http/backend: {sending_queue: {storage: null}}}")
    settings = {"OTELCOL_BACKEND_ENDPOINT": backend.endpoint}
    with (
        Collector(tmp_path, GATEWAY, str(tmp_path / "over.yaml"), settings=settings) as gateway,
        Caller(gateway) as caller,
    ):
        backend.refuse(503)
        caller.make(500)
        gateway.kill()
        gateway.start()
        backend.refuse(0)
        caller.make(500)
        wait_until(lambda: len(backend.spans()) >= 500)
        gateway.stop()  # it sends what it has
    assert len(backend.spans()) == 500


def test_log_records_wait_for_the_gateway_too(agent: Collector, gateway: Collector, backend: Backend) -> None:
    # Without what is logged of each call: one record is easier to follow.
    quiet = {"OTEL_BLRP_SCHEDULE_DELAY": "100", "OTEL_PYTHON_MCP_LOG_LEVEL": "critical"}
    settings = agent.grpc_settings | quiet
    gateway.kill()
    with StdioServer(settings=settings) as server:
        server.call("note", text="hello")
        wait_until(lambda: agent.own_sum("otelcol_receiver_accepted_log_records") == 1)
    gateway.start()
    wait_until(lambda: backend.logged() == ["hello"])


def test_without_an_agent_the_process_gives_up_what_it_cannot_send(gateway: Collector, backend: Backend) -> None:
    # Nobody but `flush` sends, so that it is known what has been given up when the gateway is back.
    with Caller(gateway, {"OTEL_EXPORTER_OTLP_TIMEOUT": "10", "OTEL_BSP_SCHEDULE_DELAY": "600000"}) as caller:
        caller.make(500)
        wait_until(lambda: len(backend.spans()) == 500)
        gateway.kill()
        caller.make(500)
        caller.stderr.wait_for(re.compile(r".*Failed to export spans? batch").match)
        gateway.start()
        caller.make(500)
        wait_until(lambda: len(backend.spans()) >= 1000)
        # Counters are sums since the start: what was not sent is in the next.
        wait_until(lambda: gateway.sum_of("mcp_requests_total", job="caller") == caller.made)
    print(f"{caller.made} spans made, {len(backend.spans())} arrived")
    assert (caller.made, len(backend.spans())) == (1500, 1000)


def test_full_queue_holds_senders_up_and_drops_nothing(tmp_path: Path, backend: Backend) -> None:
    settings = {"OTELCOL_BACKEND_ENDPOINT": backend.endpoint, "OTELCOL_QUEUE_BYTES": "500000"}
    backend.refuse(503)
    with (
        Collector(tmp_path, GATEWAY, settings=settings) as gateway,
        Caller(gateway, {"OTEL_EXPORTER_OTLP_TIMEOUT": "3"}) as caller,
    ):
        while not gateway.own_sum("otelcol_receiver_refused_spans"):
            caller.make(500)
        backend.refuse(0)
        wait_until(lambda: len(backend.spans()) == gateway.own_sum("otelcol_receiver_accepted_spans"))
    print(f"{caller.made} spans made, {len(backend.spans())} taken and arrived")
    assert 0 < len(backend.spans()) < caller.made


def test_what_the_backend_refuses_for_good_is_dropped_and_counted(gateway: Collector, backend: Backend) -> None:
    backend.refuse(400)
    with Caller(gateway) as caller:
        caller.make(500)
        wait_until(lambda: gateway.own_sum("otelcol_exporter_send_failed_spans") == 500)
        backend.refuse(0)
        caller.make(500)
        wait_until(lambda: len(backend.spans()) == 500)
