"""Every setting of ours, read once from a mapping into one frozen object."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mcp_opentelemetry import setting_values as values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX: Final = "OTEL_PYTHON_MCP_"
PROBES: Final = ("health", "livez", "readyz", "metrics")
"""Endpoints that machines ask for again and again."""
ENDPOINTS: Final = (*PROBES, "dashboard")
CAPTURE: Final = ("none", "errors", "content")
LOG_FORMATS: Final = ("otel", "ecs", "text", "off")
_RATIO: Final = "a ratio above 0; above 1 for never"
_SECONDS: Final = "seconds, 0 or more"
_LEVEL: Final = ", ".join(values.LEVELS)
_CONTENT_BY_GENAI: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_METRICS_EXPORTER: Final = "OTEL_METRICS_EXPORTER"
_PROMETHEUS_HOST: Final = "OTEL_EXPORTER_PROMETHEUS_HOST"
_PROMETHEUS_PORT: Final = "OTEL_EXPORTER_PROMETHEUS_PORT"
_LOG_FILE: Final = "LOG_FILE_PATH"

_logger = logging.getLogger("mcp_opentelemetry")


def _setting(default: Any, parse: Callable[[str], Any], allowed: str, meaning: str, *, secret: bool = False) -> Any:
    metadata = {"parse": parse, "allowed": allowed, "meaning": meaning, "secret": secret}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; each is also the environment variable `OTEL_PYTHON_MCP_` and its name in capitals."""

    capture: str = _setting(
        "none",
        values.one_of(*CAPTURE),
        "none, errors, content",
        "what is recorded beyond names, types, sizes and durations: nothing, exceptions' messages and stack traces, "
        "or those and arguments and results",
    )
    endpoints: tuple[str, ...] = _setting(
        ENDPOINTS,
        values.some_of(*ENDPOINTS),
        f"any of {', '.join(ENDPOINTS)}, comma-separated; empty for none",
        "which routes are added to the MCP app",
    )
    http_host: str = _setting("127.0.0.1", str, "an address of this machine", "where the port of our own listens")
    http_port: int | None = _setting(None, values.port, "0 to 65535", "a port of our own; 0 takes any free one")
    http_token: str | None = _setting(
        None, str, "any text", "bearer token that opens /metrics and details to other machines", secret=True
    )
    http_token_file: str | None = _setting(
        None, values.token_in_file, "a readable file that is not empty", "a file that holds that token", secret=True
    )
    http_allow: tuple[values.Network, ...] = _setting(
        (),
        values.networks,
        "networks such as 10.0.0.0/8, comma-separated",
        "networks that may read /metrics and details",
    )
    health_memory_limit: float = _setting(
        0.90, values.above_zero, _RATIO, "share of memory, or of its limit, above which /health is unhealthy"
    )
    health_cpu_limit: float = _setting(
        0.95, values.above_zero, _RATIO, "share of the processors above which, for 60 seconds, /health is unhealthy"
    )
    health_disk_limit: float = _setting(
        0.95, values.above_zero, _RATIO, "share of a file system above which /health is unhealthy"
    )
    health_descriptor_limit: float = _setting(
        0.90, values.above_zero, _RATIO, "share of the file descriptors allowed above which /health is unhealthy"
    )
    health_loop_limit: float = _setting(
        5.0, values.above_zero, "seconds above 0", "how long the event loop may stand still before /livez is 503"
    )
    drain_seconds: float = _setting(
        0.0, values.at_least_zero, _SECONDS, "how long the app goes on after SIGTERM while /readyz is 503"
    )
    alert_rules: tuple[str, ...] = _setting(
        (), values.many, "paths of rule files, comma-separated, with * and the like", "Prometheus rule files"
    )
    alert_defaults: bool = _setting(
        True, values.boolean, "true, false", "whether the rules of the package are evaluated"
    )
    alert_interval: float = _setting(
        15.0, values.duration, "a duration such as 15s or 1m", "how often rules are evaluated whose group does not say"
    )
    alert_receivers: tuple[str, ...] = _setting(
        ("log",), values.many, "log, and URLs, comma-separated", "who is told of alerts", secret=True
    )
    alert_journal: str | None = _setting(
        None, str, "a directory", "where undelivered notifications are kept; by default in the state directory"
    )
    slo: float | None = _setting(
        None, values.objective, "a percentage above 0 and below 100", "the share of tool calls that should succeed"
    )
    log_format: str | None = _setting(
        None,
        values.one_of(*LOG_FORMATS),
        ", ".join(LOG_FORMATS),
        "how log records are written; if set, in place of every handler that writes to the console, else only where "
        "there is none or an MCP SDK's",
    )
    log_level: int | None = _setting(
        None, values.level, _LEVEL, "from which level on records are logged; info where nobody has said anything"
    )
    log_success_ratio: tuple[int, float] = _setting(
        values.SuccessLog(),
        values.success_log,
        "0 to 1, with a level before it if it is not info, such as debug:0.1",
        "which share of the operations that succeed is logged",
    )
    log_redact: tuple[str, ...] = _setting(
        (), values.many, "parts of keys, comma-separated", "further keys whose values are secret"
    )
    log_rate_limit: int = _setting(
        1000, values.whole, "a whole number; 0 for none", "records a second and logger, warnings apart from the others"
    )
    log_file: str | None = _setting(None, str, "a path", "a file that records are written to, beside the console")
    log_max_bytes: int = _setting(
        10_485_760, values.whole, "bytes; 0 for no limit", "how large the file may become before it is archived"
    )
    log_backups: int = _setting(5, values.whole, "a whole number", "how many archives are kept")
    log_rotate: float | str | None = _setting(
        None, values.rotation, "midnight, or a duration such as 12h", "after which time the file is archived, too"
    )
    log_to_client: int | None = _setting(
        None, values.level, _LEVEL, "from which level on a tool's records also go to the client that called it"
    )
    trace_url: str | None = _setting(
        None, values.trace_url, "an http or https URL with {trace_id} in it", "where the dashboard's trace ids lead to"
    )
    exit_timeout: float | None = _setting(
        None,
        values.at_least_zero,
        _SECONDS,
        "how long exit may wait for exporters; by default 1 on stdio, else 5",
    )

    @property
    def token(self) -> str | None:
        """The bearer token, wherever it came from."""
        return self.http_token or self.http_token_file

    @property
    def log_path(self) -> Path | None:
        """The log file, in full."""
        # Not by `Path.expanduser`, which raises where there is no such user.
        return None if self.log_file is None else Path(os.path.expanduser(self.log_file)).absolute()  # noqa: PTH111

    @classmethod
    def from_mapping(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; one that is wrong keeps its default, with one warning.

        Args:
            environ: names and values as in `os.environ`. An empty value counts as unset, except for `ENDPOINTS`.
        """
        read: dict[str, Any] = {}
        for setting in fields(cls):
            variable = PREFIX + setting.name.upper()
            text = environ.get(variable)
            if text is None or (not text.strip() and setting.name != "endpoints"):
                continue
            _read(read, setting.name, variable, text.strip(), setting.metadata, setting.default)
        _read_standard_variables(environ, read)
        return cls(**read)


def _read(
    read: dict[str, Any], name: str, variable: str, text: str, metadata: Mapping[str, Any], default: object
) -> None:
    try:
        read[name] = metadata["parse"](text)
    except (ValueError, OSError):
        shown = "that value" if metadata["secret"] else f"{text!r}"
        kept = read.get(name, default)
        _logger.warning("%s: %s is not valid; allowed: %s; using %r", variable, shown, metadata["allowed"], kept)


def _read_standard_variables(environ: Mapping[str, str], read: dict[str, Any]) -> None:
    """Take over what OpenTelemetry and custom have variables for, where ours are not set."""
    if "capture" not in read and environ.get(_CONTENT_BY_GENAI, "").upper() in {"SPAN_ONLY", "SPAN_AND_EVENT"}:
        read["capture"] = "content"
    if (path := environ.get(_LOG_FILE, "").strip()) and "log_file" not in read:
        read["log_file"] = path
    if "prometheus" in values.many(environ.get(_METRICS_EXPORTER, "")) and "http_port" not in read:
        read["http_port"] = 9464
        read.setdefault("http_host", environ.get(_PROMETHEUS_HOST) or "localhost")
        if text := environ.get(_PROMETHEUS_PORT):
            _read(read, "http_port", _PROMETHEUS_PORT, text, Settings.__dataclass_fields__["http_port"].metadata, 9464)
