"""Who may read numbers and details."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.http.access import refusal

TOKEN = "s3cret"
PLAIN = Settings.from_mapping({})
WITH_TOKEN = Settings.from_mapping({"OTEL_PYTHON_MCP_HTTP_TOKEN": TOKEN})
WITH_NETWORK = Settings.from_mapping({"OTEL_PYTHON_MCP_HTTP_ALLOW": "10.0.0.0/8, fd00::/8"})
LOCAL = {"host": "localhost:8000"}


def _status(client: str | None, headers: dict[str, str], settings: Settings) -> int:
    refused = refusal(client, headers, settings)
    return 200 if refused is None else refused.status


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000", "[::1]"])
def test_this_machine_may_read_by_a_name_of_its_own(client: str, host: str) -> None:
    assert _status(client, {"host": host}, PLAIN) == 200
    assert _status(client, {"host": host}, WITH_TOKEN) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::2]", "0"]
)
def test_foreign_host_header_is_misdirected(host: str) -> None:
    """A page on another site that resolves its own name to this machine sends such a header (DNS rebinding)."""
    assert _status("127.0.0.1", {"host": host}, PLAIN) == 421
    assert _status("127.0.0.1", {"host": host, "authorization": f"Bearer {TOKEN}"}, WITH_TOKEN) == 200


@pytest.mark.parametrize(
    "header", ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-anything", "x-real-ip", "via"]
)
def test_what_came_through_a_proxy_is_never_local(header: str) -> None:
    headers = {**LOCAL, header: "127.0.0.1"}
    assert _status("127.0.0.1", headers, PLAIN) == 403
    assert _status("127.0.0.1", headers, WITH_TOKEN) == 401
    assert _status("127.0.0.1", {**headers, "authorization": f"Bearer {TOKEN}"}, WITH_TOKEN) == 200
    assert _status("10.1.2.3", headers, WITH_NETWORK) == 200


@pytest.mark.parametrize("client", ["192.168.0.7", "2001:db8::1", "testclient", "", None])
def test_others_need_a_token_or_a_named_network(client: str | None) -> None:
    assert _status(client, LOCAL, PLAIN) == 403
    assert _status(client, LOCAL, WITH_NETWORK) == 403
    assert _status(client, LOCAL, WITH_TOKEN) == 401
    assert _status(client, {**LOCAL, "authorization": f"bearer  {TOKEN}"}, WITH_TOKEN) == 200


@pytest.mark.parametrize("client", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::7"])
def test_named_network_may_read_under_any_host(client: str) -> None:
    assert _status(client, {"host": "mcp.internal"}, WITH_NETWORK) == 200


@pytest.mark.parametrize("given_token", ["", "wrong", "s3cret2", "S3CRET", "s3crét", "s3cret s3cret"])
def test_wrong_token_is_refused_even_on_this_machine(given_token: str) -> None:
    assert _status("127.0.0.1", {**LOCAL, "authorization": f"Bearer {given_token}"}, WITH_TOKEN) == 401


def test_other_schemes_are_not_tokens() -> None:
    assert _status("127.0.0.1", {**LOCAL, "authorization": "Basic abc"}, WITH_TOKEN) == 200
    assert _status("192.168.0.7", {**LOCAL, "authorization": f"Basic {TOKEN}"}, WITH_TOKEN) == 401


def test_bearer_for_the_server_itself_does_not_matter_where_no_token_is_set() -> None:
    assert _status("127.0.0.1", {**LOCAL, "authorization": "Bearer of-the-mcp-server"}, PLAIN) == 200


@pytest.mark.parametrize(
    ("client", "headers", "settings"),
    [
        ("127.0.0.1", {"host": "evil.example"}, PLAIN),
        ("192.168.0.7", LOCAL, PLAIN),
        ("192.168.0.7", LOCAL, WITH_TOKEN),
        ("192.168.0.7", {"authorization": "Bearer wrong"}, WITH_TOKEN),
    ],
)
def test_refusal_names_the_setting_that_opens_and_never_the_token(
    client: str, headers: dict[str, str], settings: Settings
) -> None:
    refused = refusal(client, headers, settings)
    assert refused is not None
    assert "OTEL_PYTHON_MCP_HTTP_" in refused.reason
    assert TOKEN not in refused.reason
    assert bool(refused.challenges) == (refused.status == 401)


@given(
    client=st.one_of(st.none(), st.text(), st.ip_addresses().map(str)),
    host=st.text(),
    authorization=st.text(),
    settings=st.sampled_from([PLAIN, WITH_TOKEN, WITH_NETWORK]),
)
def test_any_input_is_decided(client: str | None, host: str, authorization: str, settings: Settings) -> None:
    headers = {"host": host, "authorization": authorization}
    assert _status(client, headers, settings) in {200, 401, 403, 421}
