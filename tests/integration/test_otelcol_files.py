"""The collector's files: the rules that they keep, what the collector says of them, and what is written of them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from mcp_opentelemetry.operations.semconv import DURATION_BOUNDARIES
from tests.integration.collector import otelcol
from tests.integration.collector_files import (
    AGENT,
    COMBINATIONS,
    CONFIGS,
    GATEWAY,
    TAIL_SAMPLING,
    TLS,
    components,
    faults,
    merged,
    variables,
)

_MANIFEST: Final = Path(__file__).with_name("otelcol_build.yaml")
_SITE: Final = {
    "OTELCOL_BACKEND_ENDPOINT": "https://traces.example.com",
    "OTELCOL_BACKEND_HEADERS": "{Authorization: Bearer token}",
    "OTELCOL_BACKEND_TLS": "{ca_file: /etc/otelcol/ca.crt}",
    "OTELCOL_GATEWAY_ENDPOINT": "https://otel.example.com:4318",
    "OTELCOL_GATEWAY_TLS": "{ca_file: /ca.crt, cert_file: /tls.crt, key_file: /tls.key}",
    "OTELCOL_GRPC_ENDPOINT": "0.0.0.0:4317",
    "OTELCOL_LOGS_EXPORTERS": "[nop]",
    "OTELCOL_MEMORY_MIB": "64",
    "OTELCOL_MEMORY_PERCENT": "10",
    "OTELCOL_QUEUE_BYTES": "1000000",
    "OTELCOL_TELEMETRY_PORT": "18888",
    "OTELCOL_TRACES_EXPORTERS": "[nop]",
}


def texts(*configs: str) -> list[str]:
    return [(CONFIGS / name).read_text() for name in configs]


@pytest.mark.parametrize("configs", COMBINATIONS, ids=" + ".join)
def test_files_keep_the_rules(configs: tuple[str, ...]) -> None:
    assert faults(merged(*texts(*configs))) == set()


@pytest.mark.parametrize(
    ("over", "fault"),
    [
        ("processors: {filter/other: {}}", "processors: filter/other is not used"),
        ("connectors: {forward: {}}", "connectors: forward is not used"),
        ("service: {extensions: [zpages]}", "extensions: zpages is not defined"),
        ("service: {pipelines: {logs: {exporters: [debug]}}}", "exporters: debug is not defined"),
        (
            "receivers: {otlp: {protocols: {grpc: {endpoint: '0.0.0.0:4317'}}}}",
            "receivers.otlp.protocols.grpc.endpoint: 0.0.0.0:4317 is not on loopback",
        ),
        ("service: {pipelines: {logs: {processors: [filter/unmeasured]}}}", "logs: memory_limiter is not first"),
        ("extensions: {file_storage/queue: {fsync: false}}", "file_storage/queue: no fsync"),
        (
            "exporters: {otlp_http/backend: {retry_on_failure: {max_elapsed_time: 300s}}}",
            "otlp_http/backend: gives up",
        ),
        (
            "exporters: {otlp_http/backend: {sending_queue: {storage: null}}}",
            "otlp_http/backend: the queue is in memory",
        ),
        (
            "exporters: {otlp_http/backend: {sending_queue: {block_on_overflow: false}}}",
            "otlp_http/backend: a full queue drops",
        ),
        ("exporters: {otlp_http/backend: {sending_queue: null}}", "otlp_http/backend: no batches"),
        ("processors: {batch: {}}", "processors: batch is an old name"),
        ("exporters: {otlp/backend: {}}", "exporters: otlp is an old name"),
        ("exporters: {prometheus: {add_metric_suffixes: false}}", "add_metric_suffixes is an old setting"),
    ],
)
def test_rules_find(over: str, fault: str) -> None:
    assert fault in faults(merged(*texts(GATEWAY), over))


def validate(*configs: str, **settings: str) -> tuple[int, str]:
    """Return the collector's exit code, and what it has to say about its configuration."""
    words = [word for name in configs for word in ("--config", str(CONFIGS / name))]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTELCOL_")}
    command = [otelcol(), "validate", *words]
    run = subprocess.run(command, env=clean | settings, capture_output=True, text=True, timeout=60, check=False)
    return run.returncode, run.stderr


@pytest.mark.parametrize("configs", COMBINATIONS, ids=" + ".join)
@pytest.mark.parametrize("settings", [{}, _SITE], ids=["defaults", "site"])
def test_collector_takes(configs: tuple[str, ...], settings: dict[str, str]) -> None:
    assert validate(*configs, **settings) == (0, "")


@pytest.mark.parametrize("config", [GATEWAY, AGENT])
@pytest.mark.parametrize(
    ("over", "unknown"),
    [
        ("receivers: {otlp: {protocols: {http: {endpiont: '127.0.0.1:1'}}}}", "endpiont"),
        ("exporters: {otlp_htpp: {endpoint: 'http://127.0.0.1:1'}}", "otlp_htpp"),
        ("service: {pipelines: {traces: {exporters: [nobody]}}}", "nobody"),
    ],
    ids=["setting", "component", "reference"],
)
def test_collector_refuses_what_it_does_not_know(config: str, over: str, unknown: str, tmp_path: Path) -> None:
    (tmp_path / "over.yaml").write_text(over)
    code, text = validate(config, str(tmp_path / "over.yaml"))
    assert code != 0
    assert unknown in text


def test_collector_is_built_from_what_the_files_name() -> None:
    manifest = yaml.safe_load(_MANIFEST.read_text())
    modules = [entry["gomod"] for kind, entries in manifest.items() if kind != "dist" for entry in entries]
    built = {
        re.search(r"/(\w+?)(receiver|processor|connector|exporter|extension|provider|) v", each)[1] for each in modules
    }
    named = {name.replace("_", "") for configs in COMBINATIONS for _, name in components(merged(*texts(*configs)))}
    assert built == named | {"env", "file"}


def test_span_metrics_have_the_buckets_of_ours() -> None:
    buckets = merged(*texts(GATEWAY))["connectors"]["span_metrics"]["histogram"]["explicit"]["buckets"]
    assert buckets == [f"{bound:g}s" if bound >= 1 else f"{bound * 1000:g}ms" for bound in DURATION_BOUNDARIES]


def test_readme_tells_every_variable_with_its_default() -> None:
    row = re.compile(r"^\| `(OTELCOL_\w+)` \|(.*?)\|(.*?)\|", re.MULTILINE)
    told = {name: (one.strip(), two.strip()) for name, one, two in row.findall((CONFIGS / "README.md").read_text())}
    agent = variables(*texts(AGENT))
    gateway = variables("".join(texts(GATEWAY, TAIL_SAMPLING, TLS)))
    assert told == {name: (_cell(gateway, name), _cell(agent, name)) for name in gateway.keys() | agent.keys()}


def _cell(defaults: dict[str, str], name: str) -> str:
    return "" if name not in defaults else "none" if defaults[name] == "null" else f"`{defaults[name]}`"


def test_file_that_is_not_loss_free_says_so() -> None:
    assert "NOT loss-free" in texts(TAIL_SAMPLING)[0].splitlines()[0]
