"""Alerts reach every receiver at least once, each in its own time, and nothing that fails holds up the rest."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest

from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.clock import Clock
from mcp_opentelemetry.alerts.delivery import Delivery
from mcp_opentelemetry.alerts.journal import Journal
from mcp_opentelemetry.alerts.receivers.entries import read_receivers
from mcp_opentelemetry.alerts.receivers.own import Own
from mcp_opentelemetry.alerts.receivers.receiver import RejectedError
from tests.alerts.delivering import Scripted, delivering, told
from tests.alerts.sink import firing, listening, reset, resolved
from tests.integration.processes import free_port
from tests.waiting import eventually


@pytest.mark.parametrize("answers", [[503] * 5, [reset] * 3, [(429, {"Retry-After": "0"}, "")], [408, 500, 502, 504]])
def test_every_transition_arrives_in_order_through_what_may_pass(answers: list[Any]) -> None:
    with listening(*answers) as sink, delivering(sink.url("/", "webhook+http")) as delivery:
        delivery.publish([firing()], [firing()])
        delivery.publish([resolved()], [resolved()])
        eventually(lambda: len(told(sink)) == 2)
        assert told(sink) == ["firing", "resolved"]
        eventually(lambda: delivery.counts()["webhook"]["queued"] == 0)
        assert delivery.counts()["webhook"]["failed"] == len(answers)
        keys = {received.headers["Idempotency-Key"] for received in sink.received}
        assert len(keys) == 2, "an attempt is known again"


def test_a_receiver_that_was_away_gets_everything_when_it_is_back() -> None:
    port = free_port()
    with delivering(f"webhook+http://127.0.0.1:{port}/") as delivery:
        delivery.publish([firing("A"), firing("B")], [])
        eventually(lambda: delivery.counts()["webhook"]["failed"] > 2)
        with listening(port=port) as sink:
            eventually(lambda: len(told(sink)) == 2)


def test_what_is_refused_is_seen_in_the_status_and_does_not_hold_up_the_rest() -> None:
    with listening((400, {}, "bad label")) as sink, delivering(sink.url("/", "webhook+http")) as delivery:
        delivery.publish([firing("A"), firing("B")], [])
        eventually(lambda: told(sink) == ["firing"])
        (status,) = delivery.status()["receivers"]
        assert (status["dead"], status["last_error"]) == (1, "HTTP 400: bad label")


def test_a_receiver_that_hangs_holds_up_neither_the_others_nor_the_evaluator_nor_the_end() -> None:
    hanging, sent = Event(), list[Alert]()
    with listening() as sink:
        sink.answers.append(sink.hang)
        entries = [Own(lambda _: hanging.wait(60)), sink.url("/", "webhook+http"), Own(sent.append)]
        with delivering(*entries) as delivery:
            start = monotonic()
            delivery.publish([firing()], [])
            took = monotonic() - start
            eventually(lambda: sent)
            start = monotonic()
            delivery.close(0.3)
            closed_after = monotonic() - start
            hanging.set()
            sink.gave_way.set()
        print(f"publish: {took * 1000:.2f} ms; close with two that hang: {closed_after:.2f} s")
        # They would hang for a minute.
        assert took < 20
        assert 0.3 <= closed_after < 20


def test_the_end_brings_what_is_left_without_waiting_for_pauses() -> None:
    with listening(503) as sink:
        delivery = Delivery(read_receivers(sink.url("/", "webhook+http")), Journal(None), 15.0, Clock(random=lambda: 1))
        delivery._workers[0].courier._backoff.failures = 8  # the next pause is minutes long
        delivery.publish([firing()], [])
        eventually(lambda: delivery.counts()["webhook"]["failed"])
        start = monotonic()
        delivery.close(60)
        assert told(sink) == ["firing"]
        assert monotonic() - start < 30


def test_the_end_does_not_wait_for_a_pause_that_would_outlast_it() -> None:
    with listening(*[503] * 10) as sink:
        delivery = Delivery(read_receivers(sink.url("/", "webhook+http")), Journal(None), 15.0, Clock(random=lambda: 1))
        delivery._workers[0].courier._backoff.failures = 8
        delivery.publish([firing()], [])
        start = monotonic()
        delivery.close(60)
        assert monotonic() - start < 30


def test_the_end_tries_again_when_a_pause_leaves_time_for_it() -> None:
    with listening(503, 503, 503) as sink:
        with delivering(sink.url("/", "webhook+http")) as delivery:
            delivery.publish([firing()], [])
        assert told(sink) == ["firing"]


def test_a_receiver_that_can_never_work_is_said_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    class Hopeless(Scripted):
        def prepare(self) -> None:
            raise RejectedError("it is no URL")

    with delivering(Hopeless()):
        eventually(lambda: "no alert can be sent to scripted: it is no URL" in caplog.text)


def test_the_same_receiver_twice_is_two_receivers() -> None:
    with listening() as sink:
        entry = sink.url("/", "webhook+http")
        with delivering(f"{entry},{entry}") as delivery:
            delivery.publish([firing()], [])
            eventually(lambda: delivery.counts()["webhook"]["sent"] == 2)
            assert len(told(sink)) == 2


def test_no_secret_is_in_a_log_or_a_status(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "hunter2hunter2hunter2"
    with listening((503, {}, secret), (400, {}, secret), reset) as sink:
        entry = f"webhook+http://{secret}:{secret}@127.0.0.1:{sink.port}/{secret}?{secret}"
        with delivering("log", entry) as delivery:
            delivery.publish([firing("A"), firing("B")], [])
            eventually(lambda: told(sink) and not delivery.counts()["webhook"]["queued"])
            assert secret not in repr(delivery.status())
    assert secret not in caplog.text


def test_a_fork_leaves_its_parents_delivery_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as sink, delivering(sink.url("/", "webhook+http"), directory=tmp_path) as delivery:
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: -1)
            delivery.close(5)
        delivery.publish([firing()], [])
        eventually(lambda: told(sink))


def test_what_is_published_after_the_end_is_not_taken() -> None:
    with listening() as sink:
        with delivering(sink.url("/", "webhook+http")) as delivery:
            pass
        delivery.publish([firing()], [])
        assert sink.received == []
