"""What is secret in an address is never shown."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcp_opentelemetry.alerts.urls import Address, redacted
from mcp_opentelemetry.redaction import REDACTED

HOOK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
# What a token is made of: longer than a word, or with more in it than small letters.
TOKENS = st.text(string.ascii_letters + string.digits + "-_.~%", min_size=13, max_size=60)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (HOOK, f"https://hooks.slack.com/services/{REDACTED}/{REDACTED}/{REDACTED}"),
        ("alertmanager+http://alice:hunter2@am:9093/prefix", f"alertmanager+http://{REDACTED}@am:9093/prefix"),
        ("webhook+http://127.0.0.1:8080/hook", "webhook+http://127.0.0.1:8080/hook"),
        ("https://x.org/hook?key=hunter2", f"https://x.org/hook?{REDACTED}"),
        ("https://x.org/hook#hunter2", f"https://x.org/hook?{REDACTED}"),
        ("https://[::1]:9093/api/v2/alerts", "https://[::1]:9093/api/v2/alerts"),
        ("https://alice:hun/ter2@x.org/hook", f"https://{REDACTED}"),
        ("https://alice:hun@ter2@x.org/hook", f"https://{REDACTED}@x.org/hook"),
        ("https://[hunter2", f"https://{REDACTED}"),
        ("slack://TokenA/TokenB/TokenC/#channel", f"slack://{REDACTED}"),
        ("hunter2", REDACTED),
        ("", REDACTED),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redacted(url) == shown


@pytest.mark.parametrize(
    "template",
    [
        "https://{0}@host/path",
        "https://user:{0}@host/path",
        "https://{0}:@host",
        "https://host/services/{0}/x",
        "https://host/{0}",
        "https://host/hook?token={0}&x=1",
        "https://host/hook?{0}",
        "https://host/hook#{0}",
        "webhook+http://host:80/{0}?a={0}",
        "alertmanager+https://a:{0}@host:9093/am",
        "slack://{0}/b/c",
        "tgram://1:{0}/2",
        "apprise+mailto://me:{0}@mail.org",
        "htps//{0}",
        "{0}",
    ],
)
@given(token=TOKENS)
def test_a_token_is_never_shown(template: str, token: str) -> None:
    assert token not in redacted(template.format(token))


@given(st.text(max_size=80))
def test_any_text_can_be_shown(text: str) -> None:
    redacted(text)
    redacted(f"https://{text}")


@given(user=TOKENS, password=TOKENS, path=TOKENS, query=TOKENS, around=st.text(max_size=20))
def test_an_error_that_quotes_an_address_is_told_without_its_secrets(
    user: str, password: str, path: str, query: str, around: str
) -> None:
    assume("%" not in path + query)
    assume(path not in {".", ".."})
    address = Address(f"https://{user}:{password}@host/hook/{path}?key={query}")
    said = address.scrub(f"{around} GET {address.target} with {address.headers} for {user} {password}{around}")
    for secret in (user, password, path, query):
        assert secret not in said or secret in around


@pytest.mark.parametrize(
    "url", ["ftp://x", "https://", "x", "https://x:99999", "https://a b", "https://x/\n", "https://ø", "https://[1"]
)
def test_what_is_no_address_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL") as caught:
        Address(url)
    assert str(caught.value) in {
        "not an http:// or https:// URL with a host",
        "a URL has printable ASCII characters only; others are percent-encoded",
    }


def test_a_user_and_a_password_become_a_header() -> None:
    address = Address("http://alice:p%40ss@host:81/x?y=1#z")
    assert address.target == "http://host:81/x?y=1"
    assert address.headers == {"Authorization": "Basic YWxpY2U6cEBzcw=="}
