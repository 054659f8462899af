"""Settings come from a mapping; a wrong one is reported once and costs nothing else."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry import environment_variables
from mcp_opentelemetry.config import PREFIX, Settings

NAMES = [PREFIX + setting.name.upper() for setting in fields(Settings)]


def test_defaults_capture_nothing_and_open_no_port() -> None:
    settings = Settings.from_mapping({})
    assert settings == Settings()
    assert (settings.capture, settings.http_port, settings.token) == ("none", None, None)
    assert settings.endpoints == ("health", "livez", "readyz", "metrics", "dashboard")


def test_every_setting_is_read(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("from-file\n")
    settings = Settings.from_mapping(
        {
            "OTEL_PYTHON_MCP_CAPTURE": "Errors",
            "OTEL_PYTHON_MCP_ENDPOINTS": "metrics, livez",
            "OTEL_PYTHON_MCP_HTTP_HOST": "0.0.0.0",
            "OTEL_PYTHON_MCP_HTTP_PORT": " 9464 ",
            "OTEL_PYTHON_MCP_HTTP_TOKEN_FILE": str(token_file),
            "OTEL_PYTHON_MCP_HTTP_ALLOW": "10.0.0.0/8,::1",
            "OTEL_PYTHON_MCP_EXIT_TIMEOUT": "0.5",
        }
    )
    assert settings.capture == "errors"
    assert settings.endpoints == ("metrics", "livez")
    assert (settings.http_host, settings.http_port) == ("0.0.0.0", 9464)
    assert settings.token == "from-file"
    assert settings.http_allow == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert settings.exit_timeout == 0.5


def test_settings_of_the_log_are_read() -> None:
    settings = Settings.from_mapping(
        {
            "OTEL_PYTHON_MCP_LOG_FORMAT": "ECS",
            "OTEL_PYTHON_MCP_LOG_LEVEL": "Debug",
            "OTEL_PYTHON_MCP_LOG_SUCCESS_RATIO": "debug:0.1",
            "OTEL_PYTHON_MCP_LOG_REDACT": "ssn, card",
            "OTEL_PYTHON_MCP_LOG_RATE_LIMIT": "0",
            "OTEL_PYTHON_MCP_LOG_MAX_BYTES": "1000",
            "OTEL_PYTHON_MCP_LOG_BACKUPS": "2",
            "OTEL_PYTHON_MCP_LOG_ROTATE": "1d",
            "OTEL_PYTHON_MCP_LOG_TO_CLIENT": "warning",
            "LOG_FILE_PATH": "/var/log/mcp.log",
        }
    )
    assert (settings.log_format, settings.log_level, settings.log_success_ratio) == ("ecs", 10, (10, 0.1))
    assert (settings.log_redact, settings.log_rate_limit) == (("ssn", "card"), 0)
    assert (settings.log_max_bytes, settings.log_backups, settings.log_rotate) == (1000, 2, 86400)
    assert (settings.log_to_client, settings.log_file) == (30, "/var/log/mcp.log")


def test_our_log_file_goes_before_the_plain_one() -> None:
    both = {"LOG_FILE_PATH": "plain", "OTEL_PYTHON_MCP_LOG_FILE": "ours"}
    assert Settings.from_mapping(both).log_file == "ours"


@pytest.mark.parametrize(("text", "level", "ratio"), [("0.5", 20, 0.5), ("debug", 10, 1), ("warning:0", 30, 0)])
def test_successes_are_logged_at_a_level_and_to_a_share(text: str, level: int, ratio: float) -> None:
    assert Settings.from_mapping({"OTEL_PYTHON_MCP_LOG_SUCCESS_RATIO": text}).log_success_ratio == (level, ratio)


def test_token_itself_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file")
    environ = {"OTEL_PYTHON_MCP_HTTP_TOKEN": "itself", "OTEL_PYTHON_MCP_HTTP_TOKEN_FILE": str(tmp_path / "token")}
    assert Settings.from_mapping(environ).token == "itself"


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("OTEL_PYTHON_MCP_CAPTURE", "everything", "none, errors, content"),
        ("OTEL_PYTHON_MCP_ENDPOINTS", "health,metrix", "health, livez, readyz, metrics"),
        ("OTEL_PYTHON_MCP_LOG_FORMAT", "json", "otel, ecs, text, off"),
        ("OTEL_PYTHON_MCP_LOG_LEVEL", "loud", "debug, info, warning, error, critical"),
        ("OTEL_PYTHON_MCP_LOG_SUCCESS_RATIO", "1.5", "0 to 1"),
        ("OTEL_PYTHON_MCP_LOG_SUCCESS_RATIO", "loud:0.5", "debug:0.1"),
        ("OTEL_PYTHON_MCP_LOG_MAX_BYTES", "-1", "bytes; 0 for no limit"),
        ("OTEL_PYTHON_MCP_LOG_ROTATE", "weekly", "midnight"),
        ("OTEL_PYTHON_MCP_HTTP_PORT", "65536", "0 to 65535"),
        ("OTEL_PYTHON_MCP_HTTP_PORT", "http", "0 to 65535"),
        ("OTEL_PYTHON_MCP_HTTP_ALLOW", "everyone", "networks"),
        ("OTEL_PYTHON_MCP_EXIT_TIMEOUT", "-1", "seconds"),
        ("OTEL_PYTHON_MCP_EXIT_TIMEOUT", "nan", "seconds"),
        ("OTEL_PYTHON_MCP_EXIT_TIMEOUT", "inf", "seconds"),
    ],
)
def test_wrong_value_is_one_warning_with_name_value_and_what_is_used(
    variable: str, value: str, allowed: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings.from_mapping({variable: value})
    assert settings == Settings()
    (record,) = caplog.records
    default = getattr(Settings(), variable.removeprefix(PREFIX).lower())
    for part in (variable, repr(value), allowed, repr(default)):
        assert part in record.getMessage()


def test_unreadable_token_file_is_reported_without_opening_anything(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.from_mapping({"OTEL_PYTHON_MCP_HTTP_TOKEN_FILE": "/no/such/s3cret"})
    assert settings.token is None
    assert "OTEL_PYTHON_MCP_HTTP_TOKEN_FILE" in caplog.text
    assert "s3cret" not in caplog.text


def test_secrets_are_not_in_the_representation() -> None:
    assert "s3cret" not in repr(Settings.from_mapping({"OTEL_PYTHON_MCP_HTTP_TOKEN": "s3cret"}))


def test_empty_value_counts_as_unset_except_for_the_endpoints() -> None:
    assert Settings.from_mapping(dict.fromkeys(NAMES, "")) == Settings(endpoints=())


@pytest.mark.parametrize("value", ["SPAN_ONLY", "span_and_event"])
def test_content_capture_of_the_genai_conventions_means_ours(value: str) -> None:
    environ = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": value}
    assert Settings.from_mapping(environ).capture == "content"
    assert Settings.from_mapping({**environ, "OTEL_PYTHON_MCP_CAPTURE": "none"}).capture == "none"


@pytest.mark.parametrize("value", ["EVENT_ONLY", "NO_CONTENT", "true"])
def test_other_values_of_the_genai_conventions_capture_nothing(value: str) -> None:
    assert Settings.from_mapping({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": value}).capture == "none"


def test_prometheus_exporter_means_our_port_at_its_address() -> None:
    settings = Settings.from_mapping({"OTEL_METRICS_EXPORTER": "otlp, prometheus"})
    assert (settings.http_host, settings.http_port) == ("localhost", 9464)
    environ = {
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.2",
        "OTEL_EXPORTER_PROMETHEUS_PORT": "9999",
    }
    settings = Settings.from_mapping(environ)
    assert (settings.http_host, settings.http_port) == ("127.0.0.2", 9999)
    assert Settings.from_mapping({**environ, "OTEL_PYTHON_MCP_HTTP_PORT": "1"}).http_port == 1


def test_wrong_prometheus_port_is_reported_by_its_own_name(caplog: pytest.LogCaptureFixture) -> None:
    environ = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "x"}
    assert Settings.from_mapping(environ).http_port == 9464
    assert "OTEL_EXPORTER_PROMETHEUS_PORT" in caplog.text


def test_every_setting_is_listed_by_opentelemetry_instrument() -> None:
    listed = [name for name in vars(environment_variables) if name.startswith("OTEL_")]
    assert sorted(listed) == sorted(NAMES)


@given(st.dictionaries(st.sampled_from([*NAMES, "OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_PROMETHEUS_PORT"]), st.text()))
def test_any_environment_gives_settings(environ: dict[str, str]) -> None:
    Settings.from_mapping(environ)
