"""The logs of real servers: on stderr, in a file, at a collector; and never in the way."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.http_servers import HttpServer
from tests.integration.processes import INSTRUMENT, PYTHON, SERVERS, Process, environment, get, wait_until
from tests.integration.stdio_servers import StdioServer, assert_only_protocol

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    from tests.integration.otlp_receiver import Receiver

SECRET = "alice@example.com"


def records(stderr: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]


def attributes(record: LogRecord) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in record.attributes}


def test_each_call_and_each_line_of_it_is_json_on_stderr() -> None:
    with StdioServer("chatty.py") as server:
        server.call("fetch", city="Oslo")
        server.call("boom")
        ended = server.close_stdin()
    assert_only_protocol(ended.stdout, answers=3)
    assert SECRET not in ended.stderr
    found = records(ended.stderr)
    (fetched,) = [record for record in found if record["logger"] == "weather"]
    (done,) = [record for record in found if record["message"].startswith("tools/call fetch succeeded")]
    assert (fetched["city"], fetched["token"]) == ("Oslo", "[redacted]")
    assert fetched["trace_id"] == done["trace_id"]
    assert fetched["jsonrpc.request.id"] == done["jsonrpc.request.id"] == "2"
    (failed,) = [record for record in found if record["message"].startswith("tools/call boom failed with KeyError")]
    assert (failed["level"], failed["exception.type"], failed["error.type"]) == ("ERROR", "KeyError", "tool_error")


def test_messages_and_stack_traces_are_there_where_they_are_wanted() -> None:
    with StdioServer("chatty.py", settings={"OTEL_PYTHON_MCP_CAPTURE": "errors"}) as server:
        server.call("boom")
        ended = server.close_stdin()
    (failed,) = [record for record in records(ended.stderr) if record["message"].startswith("tools/call boom failed")]
    assert SECRET in failed["exception.message"]
    assert "raise KeyError" in failed["exception.stacktrace"]


def test_a_wish_in_plain_words_for_a_file_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    with StdioServer("chatty.py", settings={"LOG_FILE_PATH": str(path)}) as server:
        server.call("fetch", city="Oslo")
        ended = server.close_stdin()
    in_file = [json.loads(line) for line in path.read_text().splitlines()]
    assert in_file == records(ended.stderr)


@pytest.mark.parametrize("with_events", [False, True])
def test_records_and_events_arrive_at_a_collector(receiver: Receiver, with_events: bool) -> None:
    port = {"OTEL_PYTHON_MCP_HTTP_PORT": "0"}
    with StdioServer("chatty.py", settings=receiver.settings | port) as server:
        server.call("fetch", city="Oslo")
        server.call("boom")
        if with_events:
            url = server.announced_url()
            assert get(f"{url}/health")[0] == 200
            server.call("fall_ill")
            assert json.loads(get(f"{url}/health")[1])["status"] == "degraded"
        server.close_stdin()
    by_body = {record.body.string_value: record for record in receiver.log_records}
    fetched = by_body["fetched"]
    (call,) = [span for span in receiver.spans if span.name == "tools/call fetch"]
    assert (fetched.trace_id, fetched.span_id) == (call.trace_id, call.span_id)
    assert fetched.severity_text == "INFO"
    expected = {"mcp.method.name": "tools/call", "gen_ai.tool.name": "fetch", "city": "Oslo", "token": "[redacted]"}
    assert expected.items() <= attributes(fetched).items()
    assert SECRET not in str(receiver.log_records)
    assert any(body.startswith("tools/call boom failed with KeyError") for body in by_body)
    if with_events:
        (event,) = [record for record in receiver.log_records if record.event_name == "mcp.health.transition"]
        assert attributes(event)["mcp.health.check"] == "database"
        assert attributes(event)["mcp.health.after"] == "degraded"


def test_no_records_leave_a_process_that_exports_no_logs(receiver: Receiver) -> None:
    with StdioServer("chatty.py", settings=receiver.settings | {"OTEL_LOGS_EXPORTER": "none"}) as server:
        server.call("fetch", city="Oslo")
        server.close_stdin()
    assert receiver.spans
    assert not receiver.log_records


def test_a_client_that_does_not_read_stderr_holds_up_nothing() -> None:
    """64 KiB fit into a pipe; whoever writes more to one that nobody reads waits for ever."""
    process = subprocess.Popen(
        [INSTRUMENT, PYTHON, "chatty.py", "stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=SERVERS,
        env=environment({"OTEL_PYTHON_MCP_LOG_RATE_LIMIT": "0"}),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        for number, (method, params) in enumerate(
            [
                ("initialize", hello),
                ("tools/call", {"name": "flood", "arguments": {"lines": 3000}}),
                ("tools/call", {"name": "fetch", "arguments": {"city": "Oslo"}}),
            ]
        ):
            process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()
        process.wait()


def test_every_line_of_a_flood_is_written_where_it_is_read() -> None:
    with StdioServer("chatty.py", settings={"OTEL_PYTHON_MCP_LOG_RATE_LIMIT": "0"}) as server:
        server.call("flood", lines=5000)
        ended = server.close_stdin()
    flooded = [record["message"][:6] for record in records(ended.stderr) if record["logger"] == "flood"]
    assert flooded == [f"{number:06}" for number in range(5000)]


def test_a_flood_is_held_back_and_says_so() -> None:
    with StdioServer("chatty.py", settings={"OTEL_PYTHON_MCP_LOG_RATE_LIMIT": "100"}) as server:
        server.call("flood", lines=5000)
        ended = server.close_stdin()
    found = [record for record in records(ended.stderr) if record["logger"] == "flood"]
    suppressed = sum(record.get("suppressed", 0) for record in found)
    assert suppressed > 1000
    assert suppressed + len([record for record in found if "suppressed" not in record]) == 5000


def test_what_is_logged_until_sigterm_is_written() -> None:
    with HttpServer("streamable-http", "chatty.py") as server:
        server.call("fetch", city="Oslo")
        ended = server.send_signal(signal.SIGTERM)
    assert [record["city"] for record in records(ended.stderr) if record["logger"] == "weather"] == ["Oslo"]


def test_what_is_logged_while_a_web_server_shuts_down_is_written() -> None:
    with HttpServer("uvicorn shutting_down:app", settings={"OTEL_PYTHON_MCP_LOG_FORMAT": "otel"}) as server:
        server.call("add", a=1, b=2)
        ended = server.send_signal(signal.SIGTERM)
    last = [record["message"] for record in records(ended.stderr) if record["logger"] == "application"]
    assert last == [f"closing {number}" for number in range(20)]


@pytest.mark.parametrize(
    "configured", ["", "logging.config.dictConfig({'version': 1, 'disable_existing_loggers': False})\n"]
)
def test_everything_is_written_at_the_end_of_a_process(tmp_path: Path, configured: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import logging.config\nimport mcp_opentelemetry as mot\nmot.configure(log_rate_limit=0)\n"
        f"log = mot.get_logger('weather')\n{configured}"
        "for number in range(3000):\n    log.warning('%d', number)\n"
    )
    done = subprocess.run([PYTHON, str(script)], env=environment({}), capture_output=True, text=True, check=True)
    assert [record["message"] for record in records(done.stderr)] == [str(number) for number in range(3000)]


def test_a_child_of_multiprocessing_writes_what_it_logs(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing\nimport mcp_opentelemetry as mot\n"
        "def work():\n    for number in range(20):\n        mot.get_logger('child').info('%d', number)\n"
        "if __name__ == '__main__':\n    mot.configure()\n    mot.get_logger('parent').info('first')\n"
        "    child = multiprocessing.get_context('fork').Process(target=work)\n    child.start()\n    child.join()\n"
    )
    done = subprocess.run([PYTHON, str(script)], env=environment({}), capture_output=True, text=True, check=True)
    found = [record["message"] for record in records(done.stderr) if record["logger"] == "child"]
    assert found == [str(number) for number in range(20)]


def test_a_process_that_serves_no_mcp_logs_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    settings = {"OTEL_PYTHON_MCP_LOG_FILE": str(path), "OTEL_PYTHON_MCP_LOG_FORMAT": "otel"}
    script = tmp_path / "script.py"
    script.write_text(
        "import logging, threading\n"
        "logging.warning('as ever')\n"
        "print([thread.name for thread in threading.enumerate() if 'mcp-opentelemetry-log' in thread.name])\n"
    )
    with Process(PYTHON, str(script), settings=settings) as process:
        ended = process.wait()
    assert ended.stderr == "WARNING:root:as ever\n"
    assert ended.stdout == "[]\n"
    assert not path.exists()


def test_configure_in_code_starts_logging_at_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import mcp_opentelemetry as mot\n"
        "mot.configure(service_name='weather', log_format='ecs', log_file='server.log', log_success_ratio=0.5,\n"
        "              redact_log=lambda fields: {**fields, 'city': '[city]'})\n"
        "mot.get_logger('weather').info('starting', city='Oslo')\n"
    )
    done = subprocess.run(
        [PYTHON, str(script)], cwd=tmp_path, env=environment({}), capture_output=True, text=True, check=True
    )
    (line,) = records(done.stderr)
    assert (line["service.name"], line["log.level"], line["message"], line["city"]) == (
        *("weather", "info", "starting", "[city]"),
    )
    assert json.loads((tmp_path / "server.log").read_text()) == line


def test_workers_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    with HttpServer("uvicorn asgi_app:app --workers 2", settings={"OTEL_PYTHON_MCP_LOG_FILE": str(path)}) as server:
        for _ in range(20):
            server.call("add", a=1, b=2)
        wait_until(lambda: path.exists() and path.read_text().count("tools/call add succeeded") == 20)
        server.send_signal(signal.SIGTERM)
    assert all(json.loads(line) for line in path.read_text().splitlines())
    assert not (tmp_path / "server-2.log").exists()
