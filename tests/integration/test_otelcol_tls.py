"""A gateway that is open to other machines takes only what comes with a certificate."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from http.client import HTTPSConnection
from pathlib import Path
from typing import Final

import pytest

from tests.integration.collector import Collector
from tests.integration.collector_files import AGENT, GATEWAY, TLS
from tests.integration.processes import wait_until
from tests.integration.stdio_servers import StdioServer

_AUTHORITY: Final = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=fleet -keyout ca.key -out ca.crt"
)
_REQUEST: Final = (
    "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 -keyout tls.key -out tls.csr"
)
_SIGNATURE: Final = (
    "x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -extfile san.txt -out tls.crt"
)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """Make an authority, and one certificate for both sides; returns their folder."""
    openssl = shutil.which("openssl") or pytest.skip("no openssl here")
    (tmp_path / "san.txt").write_text("subjectAltName=IP:127.0.0.1")
    for command in (_AUTHORITY, _REQUEST, _SIGNATURE):
        subprocess.run([openssl, *command.split()], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    return tmp_path


def test_only_those_with_a_certificate_get_in(certificates: Path) -> None:
    authority, certificate, key = (str(certificates / name) for name in ("ca.crt", "tls.crt", "tls.key"))
    gateway_settings = {
        "OTELCOL_TRACES_EXPORTERS": "[nop]",
        "OTELCOL_TLS_CERTIFICATE": certificate,
        "OTELCOL_TLS_KEY": key,
        "OTELCOL_TLS_CLIENT_CA": authority,
    }
    with Collector(certificates / "gateway", GATEWAY, TLS, settings=gateway_settings) as gateway:
        address = gateway.endpoint.removeprefix("http://")
        agent_settings = {
            "OTELCOL_GATEWAY_ENDPOINT": f"https://{address}",
            "OTELCOL_GATEWAY_TLS": f"{{ca_file: {authority}, cert_file: {certificate}, key_file: {key}}}",
        }
        with (
            Collector(certificates / "agent", AGENT, settings=agent_settings) as agent,
            StdioServer(settings=agent.settings | {"OTEL_METRIC_EXPORT_INTERVAL": "500"}) as server,
        ):
            server.call("add", a=1, b=2)
            wait_until(lambda: gateway.sum_of("mcp_requests_total") == 1)
        stranger = HTTPSConnection(address, context=ssl.create_default_context(cafile=authority), timeout=60)
        with pytest.raises(OSError, match=r"certificate required|closed|reset|EOF"):
            _ = stranger.request("POST", "/v1/traces", body=b""), stranger.getresponse()
        stranger.close()
