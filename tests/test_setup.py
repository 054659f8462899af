"""`configure` in code, each time in a process of its own: providers can be set once only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
import asyncio, json, logging, sys, threading
import mcp_opentelemetry
from mcp import Client
from mcp.server import MCPServer
from opentelemetry import metrics, trace
from mcp_opentelemetry.runtime import get_runtime

def scrape():
    return get_runtime().scrape("")[0].decode()

async def call(server, *names):
    async with Client(server) as client:
        for name in names:
            await client.call_tool(name)

def make():
    server = MCPServer("made")
    @server.tool()
    def ok() -> str:
        return "ok"
    @server.tool()
    def boom() -> str:
        raise KeyError("alice")
    return server
"""


def _run(script: str, **environ: str) -> tuple[dict[str, object], str]:
    """Run a script that prints one JSON object; returns it and what the process wrote to stderr."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    code = PRELUDE + textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-c", code], env={**clean, **environ}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_configure_sets_up_and_instruments_servers_that_exist_and_those_to_come() -> None:
    result, _ = _run(
        """
        early = make()
        mcp_opentelemetry.configure(service_name="weather")
        asyncio.run(call(early, "ok"))
        asyncio.run(call(make(), "boom"))
        print(json.dumps({"metrics": scrape()}))
        """
    )
    text = str(result["metrics"])
    assert 'mcp_requests_total{status="success",tool="ok"} 1.0' in text
    assert 'mcp_errors_total{error_type="KeyError",tool="boom"} 1.0' in text
    assert 'service_name="weather"' in text


def test_configure_starts_no_thread_and_opens_no_port_before_a_server_serves() -> None:
    result, stderr = _run(
        """
        mcp_opentelemetry.configure(http_port=0)
        before = [thread.name for thread in threading.enumerate()]
        asyncio.run(call(make(), "ok"))
        print(json.dumps({"before": before, "after": [thread.name for thread in threading.enumerate()]}))
        """
    )
    assert result["before"] == ["MainThread"]
    assert "mcp-opentelemetry-http" in str(result["after"])
    assert "/metrics" in stderr


def test_configure_twice_keeps_the_providers_and_takes_the_new_settings() -> None:
    result, stderr = _run(
        """
        mcp_opentelemetry.configure(service_name="first")
        provider = trace.get_tracer_provider()
        mcp_opentelemetry.configure(service_name="second", capture="errors")
        from mcp_opentelemetry.operations.operation import get_operations
        asyncio.run(call(make(), "ok"))
        print(json.dumps({"same": provider is trace.get_tracer_provider(),
                          "errors": get_operations().capture.errors, "metrics": scrape()}))
        """
    )
    assert (result["same"], result["errors"]) == (True, True)
    assert 'service_name="first"' in str(result["metrics"])
    assert str(result["metrics"]).count('mcp_requests_total{status="success",tool="ok"}') == 1
    assert "'second'" in stderr


def test_configure_uses_providers_that_the_application_has_set() -> None:
    result, _ = _run(
        """
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.trace import TracerProvider
        tracers, meters = TracerProvider(), MeterProvider()
        trace.set_tracer_provider(tracers)
        metrics.set_meter_provider(meters)
        mcp_opentelemetry.configure()
        asyncio.run(call(make(), "ok"))
        print(json.dumps({"same": trace.get_tracer_provider() is tracers, "metrics": scrape()}))
        """
    )
    assert result["same"] is True
    assert 'mcp_requests_total{status="success",tool="ok"} 1.0' in str(result["metrics"])


def test_wrong_argument_is_a_warning_and_the_server_starts() -> None:
    result, stderr = _run(
        """
        mcp_opentelemetry.configure(capture="everything", endpoints=["metrics", "nonsense"], http_port=99999)
        asyncio.run(call(make(), "ok"))
        print(json.dumps({"settings": repr(get_runtime().settings)}))
        """
    )
    assert "capture='none'" in str(result["settings"])
    for name in ("CAPTURE", "ENDPOINTS", "HTTP_PORT"):
        assert stderr.count(f"OTEL_PYTHON_MCP_{name}") == 1


def test_argument_goes_before_the_environment() -> None:
    result, _ = _run(
        """
        mcp_opentelemetry.configure(capture="errors", http_allow=["10.0.0.0/8", "::1"])
        print(json.dumps({"capture": get_runtime().settings.capture, "allow": len(get_runtime().settings.http_allow)}))
        """,
        OTEL_PYTHON_MCP_CAPTURE="content",
    )
    assert result == {"capture": "errors", "allow": 2}


def test_redaction_hook_is_used() -> None:
    result, stderr = _run(
        """
        mcp_opentelemetry.configure(capture="content", redact=lambda tool, value: f"hidden {tool}")
        asyncio.run(call(make(), "ok"))
        print("{}")
        """,
        OTEL_TRACES_EXPORTER="console",
    )
    assert result == {}
    assert "hidden ok" in stderr


def test_uninstrument_and_instrument_again_count_on_without_doubling() -> None:
    result, stderr = _run(
        """
        from mcp_opentelemetry.instrumentor import McpInstrumentor
        mcp_opentelemetry.configure()
        server = make()
        asyncio.run(call(server, "ok"))
        McpInstrumentor().uninstrument()
        asyncio.run(call(server, "ok"))
        without = scrape()
        McpInstrumentor().instrument()
        asyncio.run(call(server, "ok"))
        print(json.dumps({"without": without, "metrics": scrape()}))
        """
    )
    assert "mcp_requests_total" not in str(result["without"])
    assert 'mcp_requests_total{status="success",tool="ok"} 2.0' in str(result["metrics"])
    assert str(result["metrics"]).count("mcp_build_info{") == 1
    assert "registered already" not in stderr
    assert "Traceback" not in stderr


def test_instrumenting_twice_counts_once_and_says_so() -> None:
    result, stderr = _run(
        """
        from mcp_opentelemetry.instrumentor import McpInstrumentor
        McpInstrumentor().instrument()
        mcp_opentelemetry.configure()
        McpInstrumentor().instrument()
        asyncio.run(call(make(), "ok"))
        print(json.dumps({"metrics": scrape()}))
        """
    )
    assert 'mcp_requests_total{status="success",tool="ok"} 1.0' in str(result["metrics"])
    assert "already instrumented" in stderr


def test_disabled_sdk_leaves_everything_as_it_was() -> None:
    result, stderr = _run(
        """
        from mcp.server.runner import ServerRunner
        before = vars(ServerRunner)["_compose_server_middleware"]
        mcp_opentelemetry.configure(http_port=0)
        asyncio.run(call(make(), "ok"))
        print(json.dumps({
            "patched": vars(ServerRunner)["_compose_server_middleware"] is not before,
            "threads": [thread.name for thread in threading.enumerate() if "opentelemetry" in thread.name.lower()],
            "routes": [route.path for route in make().streamable_http_app().routes],
        }))
        """,
        OTEL_SDK_DISABLED="true",
        OTEL_TRACES_EXPORTER="console",
    )
    assert result == {"patched": False, "threads": [], "routes": ["/mcp"]}
    assert stderr == ""


@pytest.mark.parametrize("order", ["before", "after"])
def test_import_order_of_mcp_does_not_matter_to_stdio(order: str) -> None:
    """The transport of a stdio server is known whether mcp was imported before `configure` or after."""
    first, second = "import mcp.server.mcpserver.server as module", "mcp_opentelemetry.configure()"
    if order == "after":
        first, second = second, first
    code = textwrap.dedent(f"""
        import mcp_opentelemetry
        {first}
        {second}
        print(int(hasattr(module.stdio_server, "__wrapped__") and "transports" in module.stdio_server.__module__))
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "1"


def test_alerts_are_checked_and_told_in_code() -> None:
    result, stderr = _run(
        """
        from mcp_opentelemetry import alerts
        mcp_opentelemetry.configure(alert_defaults=False, alert_interval="1h", alert_journal="/nonexistent/\\0")
        told = threading.Event()
        seen = []

        @alerts.add_receiver
        def receive(alert):
            seen.append((alert.name, alert.state))
            told.set()

        alerts.add_condition("busy", lambda: mcp_opentelemetry.stats("ok")["requests"] >= 2, severity="critical")
        before = [alert.name for alert in alerts.check()]
        asyncio.run(call(make(), "ok", "ok"))
        after = [(alert.name, alert.state, alert.severity) for alert in alerts.check()]
        told.wait(10)

        @alerts.add_receiver
        class Later:
            def send(self, alert):
                seen.append(("later", alert.state))
                told.set()

        told.clear()
        alerts.remove_condition("busy")
        alerts.check()
        while len(seen) < 3:
            told.wait(10)
            told.clear()
        snapshot = mcp_opentelemetry.snapshot()
        print(json.dumps({"before": before, "after": after, "seen": sorted(seen), "rules": snapshot["rules"]}))
        """
    )
    assert result["before"] == []
    assert result["after"] == [["busy", "firing", "critical"]]
    assert result["seen"] == [["busy", "firing"], ["busy", "resolved"], ["later", "resolved"]]
    assert result["rules"] == []
    assert "journal" in stderr
