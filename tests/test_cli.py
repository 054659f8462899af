"""The command line, as processes; `demo` with its real server and its real client."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from mcp_opentelemetry.demo.scrape import parse
from mcp_opentelemetry.version import __version__

PATIENCE = 60  # seconds: a busy machine fails no test
COMMAND = str(Path(sys.executable).with_name("mcp-opentelemetry"))
URL = re.compile(r"http://127\.0\.0\.1:(\d+)/mcp\n")
ROW = re.compile(r"^ +0:\d\d +(\d+) +(\d+) +[\d.]+ ms(?: +\d+){3}$", re.MULTILINE)


def run(*arguments, **environment):
    return subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, **environment},
    )


@contextmanager
def running(*command, **options):
    process = subprocess.Popen(command, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()  # not kill: it has a child to stop
        process.communicate(timeout=PATIENCE)


def read_until_urls(process):
    """Return the port of the server once the header is there."""
    text = ""
    for line in process.stdout:
        text += line
        if "/health" in line:
            return int(URL.search(text)[1])
    pytest.fail(f"no URLs: {text}{process.stderr.read()}")


def play(process, calls):
    """Return everything that the demo shows if it is ended after so many calls."""
    text = ""
    for line in process.stdout:
        text += line
        if (row := ROW.match(line)) and int(row[1]) >= calls:
            break
    process.send_signal(signal.SIGINT)
    text += process.stdout.read()
    assert (process.wait(PATIENCE), process.stderr.read()) == (0, "")
    return text


def is_open(port):
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_demo_shows_urls_numbers_and_a_table_of_the_tools():
    with running(COMMAND, "demo", "--seconds", "60") as process:
        shown = play(process, calls=8)  # by then each tool has been called
    port = int(URL.search(shown)[1])
    assert f"http://127.0.0.1:{port}/metrics\n" in shown
    assert f"http://127.0.0.1:{port}/health\n" in shown
    table = shown[shown.index("  tool ") :]
    for tool in ("current", "forecast", "fahrenheit", "_OTHER"):
        assert re.search(rf"^  {tool} +[1-9]\d* +\d+ +[\d.]+ ms$", table, re.MULTILINE), table
    *_, (calls, errors) = ROW.findall(shown)
    tools = re.findall(r"^  \w+ +(\d+) +(\d+) +[\d.]+ ms$", table, re.MULTILINE)
    assert sum(int(count) for count, _ in tools) == int(calls) > 7
    assert sum(int(count) for _, count in tools) == int(errors) > 2
    assert "opentelemetry-instrument python your_server.py" in table
    assert max(map(len, shown.splitlines())) < 80
    assert "\x1b" not in shown
    assert not is_open(port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_demo_and_its_server(number):
    # Whoever runs the tests may have told his children to ignore a hang-up, as nohup does.
    with running(
        COMMAND, "demo", "--seconds", "60", preexec_fn=lambda: signal.signal(number, signal.SIG_DFL)
    ) as process:
        port = read_until_urls(process)
        assert is_open(port)
        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    assert "your_server.py" in output
    assert not is_open(port)


def test_demo_takes_another_port_when_the_usual_one_is_taken():
    with ExitStack() as stack:
        with suppress(OSError):  # somebody else has it: as good
            stack.enter_context(socket.create_server(("127.0.0.1", 8000)))
        result = run("demo", "--seconds", "1")
    assert (result.returncode, result.stderr) == (0, "")
    assert int(URL.search(result.stdout)[1]) != 8000


def test_a_port_that_the_user_names_is_taken_or_refused():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = run("demo", "--seconds", "1", "--port", str(port))
    taken = run("demo", "--seconds", "1", "--port", str(port))
    assert refused.returncode == 1
    assert refused.stderr == (
        f"\nmcp-opentelemetry demo: cannot listen on port {port}; without --port, a free one is taken\n"
    )
    assert taken.returncode == 0
    assert f"http://127.0.0.1:{port}/mcp" in taken.stdout


def test_a_server_that_dies_is_explained_by_its_log(tmp_path):
    broken = "import mcp_opentelemetry.demo.example as e, mcp_opentelemetry.cli as c, pathlib, sys\n"
    broken += f"e.server_file = lambda: pathlib.Path({str(tmp_path / 'none.py')!r})\n"
    broken += "sys.exit(c.main(['demo', '--seconds', '1']))"
    result = subprocess.run(
        [sys.executable, "-c", broken],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "the server has died with exit code 2" in result.stderr
    assert "No such file" in result.stderr
    log = Path(re.search(r"The server's log is (.*)\n$", result.stderr)[1])
    assert log.is_relative_to(tmp_path)
    assert "No such file" in log.read_text()


def test_a_server_killed_in_between_ends_the_demo_without_a_traceback(tmp_path):
    with running(COMMAND, "demo", "--seconds", "60", env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        port = read_until_urls(process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            pytest.skip("needs /proc")
        os.kill(int(children.read_text()), signal.SIGKILL)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert errors.startswith("\nmcp-opentelemetry demo: the server has died with exit code -9")
    assert not is_open(port)


def test_demo_works_where_the_command_of_opentelemetry_is_missing():
    program = "import mcp_opentelemetry.demo.example as e, mcp_opentelemetry.cli as c, sys\n"
    program += "e.launcher = lambda: None\nsys.exit(c.main(['demo', '--seconds', '60']))"
    with running(sys.executable, "-c", program) as process:
        assert "fahrenheit" in play(process, calls=2)


def test_the_users_environment_does_not_get_in_the_way():
    proxy = "socks5://127.0.0.1:9"
    environment = {"HTTP_PROXY": proxy, "ALL_PROXY": proxy, "OTEL_SDK_DISABLED": "true", "PYTHONIOENCODING": "ascii"}
    result = run("demo", "--seconds", "1", OTEL_PYTHON_MCP_ENDPOINTS="", **environment)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_reader_that_leaves_ends_the_demo():
    with running(COMMAND, "demo", "--seconds", "60") as process:
        port = read_until_urls(process)
        process.stdout.close()
        assert process.wait(PATIENCE) == 1
        assert process.stderr.read() == ""
        process.stdout = None
    assert not is_open(port)


@pytest.mark.parametrize("color", ["", "1"], ids=["color", "no color"])
def test_on_a_terminal_one_row_is_rewritten_in_place(color):
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "40", "NO_COLOR": color}

    def rows(text):
        plain = re.sub(r"\x1b\[\d*m", "", text).partition("average\r\n")[2].partition("\n")[0]
        return [row for row in plain.strip("\r").split("\r") if row]

    with running(COMMAND, "demo", "--seconds", "60", stdout=follower, env=environment) as process:
        os.close(follower)
        output = b""
        with suppress(OSError):  # how Linux says that the other end is closed
            while chunk := os.read(leader, 4096):
                output += chunk
                if len(rows(output.decode(errors="ignore"))) > 3:
                    process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    os.close(leader)
    text = output.decode()
    assert ("\x1b[" in text) == (not color)
    assert len(rows(text)) > 3
    assert all(len(row) < 40 for row in rows(text))


def test_numbers_of_other_operations_are_not_calls():
    text = (
        'mcp_requests_total{status="success",tool="a"} 3.0\n'
        'mcp_requests_total{status="error",tool="a"} 1.0\n'
        'mcp_requests_total{status="error",tool="_OTHER"} 2.0\n'
        'mcp_errors_total{error_type="KeyError",tool="a"} 1.0\n'
        'mcp_errors_total{error_type="unknown_tool",tool="_OTHER"} 2.0\n'
        'mcp_server_operation_duration_seconds_sum{gen_ai_tool_name="",mcp_method_name="tools/list"} 9.0\n'
        'mcp_server_operation_duration_seconds_count{gen_ai_tool_name="",mcp_method_name="tools/list"} 1.0\n'
        'mcp_server_operation_duration_seconds_sum{gen_ai_tool_name="a",mcp_method_name="tools/call"} 2.0\n'
        'mcp_server_operation_duration_seconds_count{gen_ai_tool_name="a",mcp_method_name="tools/call"} 4.0\n'
    )
    numbers = parse(text)
    assert (numbers.all.count, numbers.all.errors, numbers.all.average) == (6, 3, 0.5)
    assert numbers.errors == {"KeyError": 1, "unknown_tool": 2}
    assert numbers.by_tool.keys() == {"a", "_OTHER"}
    assert numbers.by_tool["_OTHER"].average is None


def test_version():
    assert run("--version").stdout == f"mcp-opentelemetry {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("frobnicate",),
        ("demo", "frobnicate"),
        ("demo", "--seconds", "0"),
        ("demo", "--seconds", "nan"),
        ("demo", "--port", "70000"),
        ("demo", "--port", "http"),
    ],
)
def test_wrong_arguments_are_refused_with_the_usage(arguments):
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: mcp-opentelemetry")


def test_help_names_the_subcommands():
    assert re.search(r"^ +demo +\w", run("--help").stdout, re.MULTILINE)


def test_nothing_of_a_subcommand_is_imported_before_it_is_called():
    program = "import sys, mcp_opentelemetry.cli\nprint([name for name in sys.modules if name.startswith('mcp.')])"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert result.stdout == "[]\n"
