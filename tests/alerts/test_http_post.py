"""An answer decides whether it is tried again; no answer takes for ever, and none tells a secret."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_opentelemetry.alerts.receivers.receiver import RejectedError, UnavailableError
from tests.alerts.receiving import SECRET, TERMS, receiver
from tests.alerts.sink import firing, listening, reset
from tests.integration.processes import free_port


def test_a_user_and_a_password_are_sent_as_basic_authorization() -> None:
    with listening() as sink:
        receiver(f"webhook+http://alice:hunter2@127.0.0.1:{sink.port}/").send([firing()], **TERMS)
    assert sink.received[0].headers["Authorization"] == "Basic YWxpY2U6aHVudGVyMg=="


@pytest.mark.parametrize(
    ("status", "headers", "retry_after"),
    [
        (500, {}, None),
        (503, {"Retry-After": "7"}, 7.0),
        (408, {"Retry-After": "junk"}, None),
        (429, {"Retry-After": "-3"}, 0.0),
        (429, {"Retry-After": "nan"}, None),
        (429, {"Retry-After": "1e99"}, 3600.0),
        (429, {"Retry-After": "Thu, 01 Jan 1970 00:20:00 GMT"}, 200.0),
        (429, {"Retry-After": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
    ],
)
def test_what_may_pass_is_tried_again_when_the_receiver_says(
    status: int, headers: dict[str, str], retry_after: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_opentelemetry.alerts.receivers.http_post.time", lambda: 1_000.0)
    with listening((status, headers, "")) as sink, pytest.raises(UnavailableError) as caught:
        receiver(sink.url("/", "webhook+http")).send([firing()], **TERMS)
    assert caught.value.retry_after == retry_after


@pytest.mark.parametrize("status", [300, 400, 401, 404, 410, 413])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    with (
        listening((status, {}, "because")) as sink,
        pytest.raises(RejectedError, match=rf"HTTP {status}: because"),
    ):
        receiver(sink.url("/", "webhook+http")).send([firing()], **TERMS)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with listening() as other, listening((status, {"Location": other.url("/")}, "")) as sink:
        with pytest.raises(RejectedError, match="redirects are not followed"):
            receiver(sink.url("/", "webhook+http")).send([firing()], **TERMS)
        assert other.received == []


def test_a_connection_that_is_refused_or_reset_or_a_name_that_is_unknown_is_tried_again() -> None:
    with listening(reset) as sink:
        webhook = receiver(sink.url("/", "webhook+http"))
        with pytest.raises(UnavailableError, match=r"Reset|Disconnected|Aborted"):
            webhook.send([firing()], **TERMS)
    with pytest.raises(UnavailableError, match="refused"):
        receiver(f"webhook+http://127.0.0.1:{free_port()}/").send([firing()], **TERMS)
    with pytest.raises(UnavailableError, match=r"gaierror|timeout|no answer"):
        receiver("https://no-such-host.invalid/").send([firing()], **TERMS)


def test_a_receiver_that_hangs_or_drips_has_its_time_and_no_more() -> None:
    with listening() as sink:
        sink.answers.append(sink.hang)
        webhook = receiver(sink.url("/", "webhook+http"))
        with pytest.raises(UnavailableError, match=r"no answer within 0\.2 s"):
            webhook.send([firing()], timeout=0.2, valid_until=0)

    def drips(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not sink.gave_way.wait(0.02):
            handler.wfile.write(b"x")

    with listening(drips) as sink:
        webhook = receiver(sink.url("/", "webhook+http"))
        with pytest.raises(UnavailableError, match=r"no answer within 0\.5 s"):
            webhook.send([firing()], timeout=0.5, valid_until=0)


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    with listening((400, {}, "y" * 5_000_000)) as sink, pytest.raises(RejectedError) as caught:
        receiver(sink.url("/", "webhook+http")).send([firing()], **TERMS)
    assert len(str(caught.value)) < 300


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    with listening() as sink, pytest.raises(UnavailableError, match="SSL"):
        receiver(sink.url("/", "https")).send([firing()], **TERMS)


def test_an_answer_that_quotes_the_secret_is_told_without_it() -> None:
    text = "x" * 190 + SECRET
    with listening((400, {}, text)) as sink, pytest.raises(RejectedError) as caught:
        receiver(sink.url(f"/{SECRET}", "webhook+http")).send([firing()], **TERMS)
    assert SECRET[:6] not in str(caught.value)
