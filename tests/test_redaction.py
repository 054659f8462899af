"""Secrets are taken out of what leaves the process."""

from __future__ import annotations

import string
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.redaction import REDACTED, scrub, without_secrets

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://alice:hunter2@db:5432/x refused", f"postgres://{REDACTED}@db:5432/x refused"),
        ("redis://:hunter2@cache", f"redis://{REDACTED}@cache"),
        ("postgres://alice:p@hunter2@db/x", f"postgres://{REDACTED}@db/x"),
        ("host=db password=hunter2 user=alice", f"host=db password={REDACTED} user=alice"),
        ("UID=sa;PWD=hunter2;", f"UID=sa;PWD={REDACTED};"),
        ("password: 'hunter2 hunter2'", f"password: {REDACTED}"),
        ('{"db_password": "hunter2", "x": 1}', f'{{"db_password": {REDACTED}, "x": 1}}'),
        (r'{"password": "a\"hunter2", "x": 1}', f'{{"password": {REDACTED}, "x": 1}}'),
        ("https://x.org/?a=1&access_token=hunter2&b=2", f"https://x.org/?a=1&access_token={REDACTED}&b=2"),
        ("API-KEY = hunter2", f"API-KEY = {REDACTED}"),
        ("api key: hunter2", f"api key: {REDACTED}"),
        ("got Bearer hunter2", f"got Bearer {REDACTED}"),
        ("basic hunter2==", f"basic {REDACTED}"),
        ("Cookie: hunter2", f"Cookie: {REDACTED}"),
    ],
)
def test_secrets_are_told_by_what_stands_around_them(text: str, expected: str) -> None:
    assert scrub(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2",
        "Authorization: Token hunter2",
        'Authorization: Digest username="a", response="hunter2"',
        "Cookie: theme=dark; session=hunter2",
        "token=b'hunter2'",
        "'tokens': ['hunter2']",
        "password: ('hunter2',)",
        r"{\"password\": \"hunter2\"}",
        'password="hunter2',
        "(b'x-api-key', b'hunter2')",
    ],
)
def test_secrets_of_other_shapes_go_too(text: str) -> None:
    assert SECRET not in scrub(text)


@pytest.mark.parametrize(
    "text", ["connection refused", "https://x.org/path", "no such table: users", "token expired", ""]
)
def test_other_texts_stay(text: str) -> None:
    assert scrub(text) == text


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert isinstance(scrub(text), str)


@given(st.text(string.ascii_letters + string.digits + "-_.~!*", min_size=8))
def test_password_never_passes(password: str) -> None:
    marked = f"<{password}>"
    for text in (f"https://user:{marked}@host/", f"password={marked}", f'"secret": "{marked}"', f"Bearer {marked}"):
        assert marked not in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        *("a" * 50_000, "a-" * 25_000, "token " * 9_000, "://" * 15_000, "password=" * 5_000),
        *("token" * 10_000 + " a:b", "a: " * 15_000, '"' * 50_000, "password=" + "\\" * 50_000, "token" + " " * 50_000),
    ],
)
def test_long_texts_take_no_long_time(text: str) -> None:
    start = perf_counter()
    scrub(text)
    assert perf_counter() - start < 10  # the square of their length would be minutes


def test_values_of_secret_keys_go_at_any_depth() -> None:
    value = {"Api-Key": 1, "user": {"PASSWORD": [1], "name": "x"}, "rows": ({"auth_token": "x", "n": 1},), 3: b"x"}
    assert without_secrets(value) == {
        "Api-Key": REDACTED,
        "user": {"PASSWORD": REDACTED, "name": "x"},
        "rows": [{"auth_token": REDACTED, "n": 1}],
        "3": b"x",
    }


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
    )
)
def test_values_without_secret_keys_stay(value: object) -> None:
    assert without_secrets(value) == value
