"""The examples do what they show, started as they say."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.integration.holds import probe, status_of
from tests.integration.otlp_receiver import http_receiver
from tests.integration.processes import ANNOUNCEMENT, PATIENCE, PYTHON, Process, free_port, get, wait_until

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "examples"
_PATH: Final = {"PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}"}
_SERVER, _CLIENT = 2, 3  # OTLP's numbers


def _call(url: str, tool: str, arguments: dict[str, Any] | None = None, **more: Any) -> Any:
    async def call() -> Any:
        with anyio.fail_after(PATIENCE):
            async with Client(f"{url}/mcp") as client:
                return await client.call_tool(tool, arguments, **more)

    return anyio.run(call)


def test_agent_makes_one_trace_through_three_processes() -> None:
    with http_receiver() as receiver:
        with Process(PYTHON, str(EXAMPLES / "agent.py"), "Oslo", settings=receiver.settings | _PATH) as agent:
            ended = agent.wait()
        assert ended.stdout == "Oslo, 4.0 °C: take a winter coat\n"
        (plan,) = [span for span in receiver.spans if span.name == "plan a trip"]
        ours = [span for span in receiver.spans if span.trace_id == plan.trace_id]

        def only(name: str, kind: int) -> Span:
            (span,) = [span for span in ours if (span.name, span.kind) == (name, kind)]
            return span

        for tool in ("current", "clothes"):
            sent, handled = only(f"tools/call {tool}", _CLIENT), only(f"tools/call {tool}", _SERVER)
            assert sent.parent_span_id == plan.span_id
            assert handled.parent_span_id == sent.span_id
        processes = {
            instance
            for name in ("plan a trip", "tools/call current", "tools/call clothes")
            for instance in receiver.instances_of_spans(name)
        }
        assert len(processes) == 3


def test_fastapi_app_serves_both_and_links_the_http_span() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    uvicorn = str(Path(PYTHON).with_name("uvicorn"))
    with http_receiver() as receiver:
        command = (uvicorn, "fastapi_app:app", "--app-dir", str(EXAMPLES), "--port", str(port))
        settings = receiver.settings | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging,mcp"}  # FastAPI's is wanted
        with Process(*command, settings=settings) as server:
            server.wait_for_port(port)
            assert get(f"{url}/orders/7") == (200, '{"status":"shipped"}')
            # What a traced client sends along.
            sender = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
            assert not _call(url, "order_status", {"number": 7}, meta=sender).is_error
            status, metrics = get(f"{url}/metrics")
            assert status == 200
            assert 'mcp_requests_total{status="success",tool="order_status"} 1.0' in metrics
            assert status_of(f"{url}/readyz") == (200, "ok")
            server.send_signal(signal.SIGTERM)
    (handled,) = [span for span in receiver.spans if span.name == "tools/call order_status"]
    assert handled.parent_span_id.hex() == "b" * 16
    (link,) = handled.links
    (request,) = [span for span in receiver.spans if span.span_id == link.span_id]
    assert (request.name, request.kind) == ("POST", _SERVER)


def test_clients_configuration_starts_a_server_with_a_port_of_its_own(tmp_path: Path) -> None:
    servers = json.loads((EXAMPLES / "client_config.json").read_text())["mcpServers"]
    (configured,) = servers.values()
    server = StdioServerParameters(**{**configured, "env": configured["env"] | _PATH}, cwd=ROOT)

    async def use() -> str:
        with anyio.fail_after(PATIENCE), (tmp_path / "log").open("w") as log:
            async with Client(stdio_client(server, errlog=log)) as client:
                await client.call_tool("current", {"city": "Oslo"})
                announced = [ANNOUNCEMENT.match(line) for line in (tmp_path / "log").read_text().splitlines()]
                (url,) = [match[1] for match in announced if match]
                return get(f"{url}/metrics")[1]

    metrics = anyio.run(use)
    assert 'mcp_requests_total{status="success",tool="current"} 1.0' in metrics
    assert 'service_name="weather"' in metrics


def test_custom_checks_show_in_health_alerts_and_log() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {"PORT": str(port), "OTEL_PYTHON_MCP_ALERT_INTERVAL": "1s"}
    with Process(PYTHON, str(EXAMPLES / "custom_checks.py"), settings=settings) as server:
        server.wait_for_port(port)
        assert status_of(f"{url}/readyz") == (200, "ok")
        for _ in range(3):
            _call(url, "print_page", {"text": "hello"})
        printed = server.stderr.wait_for(lambda line: line if '"message": "printed"' in line else None)
        assert json.loads(printed)["gen_ai.tool.name"] == "print_page"
        assert status_of(f"{url}/readyz") == (503, "unhealthy")
        assert probe(f"{url}/health")[1]["checks"]["paper"]["status"] == "unhealthy"
        wait_until(lambda: "Backlog" in probe(f"{url}/health")[1]["alerts"])
        _call(url, "fetch")
        wait_until(lambda: "Backlog" not in probe(f"{url}/health")[1]["alerts"])


def test_every_example_is_in_the_table() -> None:
    table = (EXAMPLES / "README.md").read_text()
    names = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".json"}}
    assert {name for name in names if f"]({name})" in table} == names
