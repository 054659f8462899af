"""What the doctor finds, and that it can be trusted with secrets."""

from __future__ import annotations

import socket
import subprocess
import sys
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Any

import pytest

from mcp_opentelemetry import conflicts, doctor
from mcp_opentelemetry.distro import McpDistro
from tests.integration.processes import free_port


def _texts(environ: dict[str, str], section: str, level: str) -> list[str]:
    return [text for found, text in doctor.examine(environ)[section] if found == level]


def _logs(environ: dict[str, str]) -> list[tuple[str, str]]:
    return doctor.examine(environ)["Logs"]


def test_healthy_environment_is_well(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "environ", {"OTEL_PYTHON_DISTRO": "mcp_opentelemetry"})
    assert doctor.main([]) == 0
    out = capsys.readouterr().out
    for part in ("Versions", "mcp-opentelemetry 0.", "/health, /livez, /readyz, /metrics", "all is well"):
        assert part in out


@pytest.mark.parametrize(
    ("environ", "section", "text"),
    [
        ({"OTEL_PYTHON_MCP_CAPTURE": "everything"}, "Settings", "OTEL_PYTHON_MCP_CAPTURE: 'everything'"),
        ({"OTEL_PYTHON_MCP_HTTP_PRT": "9464"}, "Settings", "OTEL_PYTHON_MCP_HTTP_PRT is no setting"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:x"}, "Export", "traces: otlp, nothing answers"),
        ({"OTEL_PYTHON_MCP_HTTP_PORT": "1", "OTEL_PYTHON_MCP_HTTP_HOST": "203.0.113.7"}, "Endpoints", "cannot be"),
    ],
)
def test_what_is_wrong_is_said(environ: dict[str, str], section: str, text: str) -> None:
    assert any(text in found for found in _texts(environ, section, "WRONG"))


def test_wrong_setting_ends_with_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor.os, "environ", {"OTEL_PYTHON_MCP_CAPTURE": "everything"})
    assert doctor.main([]) == 1
    assert "something is wrong" in capsys.readouterr().out


def test_collector_is_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environ = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": endpoint}
        assert any("metrics: otlp" in text and "answers" in text for text in _texts(environ, "Export", "ok"))
    environ = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    assert any("nothing answers" in text for text in _texts(environ, "Export", "WRONG"))


def test_sources_are_named_and_secrets_are_not_shown() -> None:
    environ = {
        "OTEL_PYTHON_MCP_HTTP_TOKEN": "s3cret",
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_PYTHON_MCP_ENDPOINTS": "",
    }
    settings = _texts(environ, "Settings", "ok")
    assert not any("s3cret" in text for text in settings)
    assert "OTEL_PYTHON_MCP_HTTP_PORT = 9464 (another variable)" in settings
    assert "OTEL_PYTHON_MCP_ENDPOINTS = () (environment)" in settings
    assert "OTEL_PYTHON_MCP_CAPTURE = 'none' (default)" in settings
    assert "on the app of an HTTP server: none" in _texts(environ, "Endpoints", "ok")


def test_open_address_without_a_key_is_noted() -> None:
    environ = {"OTEL_PYTHON_MCP_HTTP_PORT": "0", "OTEL_PYTHON_MCP_HTTP_HOST": "0.0.0.0"}
    assert any("HTTP_TOKEN" in text for text in _texts(environ, "Endpoints", "note"))
    assert not _texts({**environ, "OTEL_PYTHON_MCP_HTTP_TOKEN": "t"}, "Endpoints", "note")


def test_other_choices_are_noted() -> None:
    environ = {"OTEL_SDK_DISABLED": "true", "OTEL_PYTHON_DISTRO": "other"}
    notes = _texts(environ, "Distribution and instrumentors", "note")
    assert any("OTEL_SDK_DISABLED" in text for text in notes)
    assert any("OTEL_PYTHON_DISTRO=other" in text for text in notes)


def _entry_point(tmp_path: Path, name: str, distribution: str) -> EntryPoint:
    folder = tmp_path / f"{name}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[opentelemetry_instrumentor]\n{name} = builtins:broken\n")
    (entry_point,) = Distribution.at(folder).entry_points
    return entry_point


def test_known_peer_beside_us_is_named_in_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    peers = [
        _entry_point(tmp_path, "mcp", "opentelemetry-instrumentation-mcp"),
        _entry_point(tmp_path, "fastmcp", "splunk_otel_instrumentation_fastmcp"),
        _entry_point(tmp_path, "harmless", "opentelemetry-instrumentation-harmless"),
    ]
    conflicts.warn(conflicts.active_conflicts({}, peers))
    (record,) = caplog.records
    message = record.getMessage()
    assert "opentelemetry-instrumentation-mcp fails with mcp 2.x" in message
    assert "splunk-otel-instrumentation-fastmcp" in message
    assert "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=fastmcp,mcp" in message
    disabled = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "mcp, fastmcp"}
    assert conflicts.active_conflicts(disabled, peers) == []
    conflicts.warn([])
    assert len(caplog.records) == 1


def test_instrumentor_that_fails_does_not_take_the_others_along(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        name = "broken"

        def load(self) -> Any:
            raise RuntimeError

    class Missing(Broken):
        def load(self) -> Any:
            raise ModuleNotFoundError

    distro: Any = McpDistro()
    distro.load_instrumentor(Broken())
    assert "the instrumentor broken has failed" in caplog.text
    with pytest.raises(ModuleNotFoundError):
        distro.load_instrumentor(Missing())


def test_command_runs() -> None:
    command = Path(sys.executable).with_name("mcp-opentelemetry")
    done = subprocess.run([str(command), "doctor", "--help"], capture_output=True, text=True, check=True)
    assert "what would open where" in done.stdout


def test_logs_are_said_to_go_where_they_go(tmp_path: Path) -> None:
    assert _logs({}) == [("ok", "on standard error, as JSON, where the application has no handler of its own")]
    path = tmp_path / "not made yet" / "server.log"
    findings = _logs({"OTEL_PYTHON_MCP_LOG_FORMAT": "text", "LOG_FILE_PATH": str(path)})
    assert findings == [("ok", "on standard error: text"), ("ok", f"in {path}, archived at 10,485,760 bytes")]


def test_log_file_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (_, (level, text)) = _logs({"OTEL_PYTHON_MCP_LOG_FILE": str(tmp_path / "file" / "server.log")})
    assert level == "WRONG"
    assert str(tmp_path / "file") in text


def test_file_of_several_processes_needs_an_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mcp_opentelemetry.doctor.find_spec", lambda _: None)
    level, text = _logs({"OTEL_PYTHON_MCP_LOG_FILE": str(tmp_path / "server.log")})[-1]
    assert level == "note"
    assert text.endswith("pip install 'mcp-opentelemetry[logs]'")
