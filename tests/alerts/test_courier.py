"""What one receiver is told, when, and how often: without threads, and without waiting."""

from __future__ import annotations

from threading import RLock

import pytest

from mcp_opentelemetry.alerts import alert_text
from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.clock import Clock
from mcp_opentelemetry.alerts.courier import Courier
from mcp_opentelemetry.alerts.outbox import Entry, Outbox, numbers
from mcp_opentelemetry.alerts.receivers.receiver import Receiver, UnavailableError
from tests.alerts.delivering import Scripted
from tests.alerts.sink import Time, firing, resolved


def courier(receiver: Receiver, time: Time, *alerts: Alert) -> Courier:
    outbox = Outbox()
    for alert in alerts:
        outbox.add(Entry(next(numbers), receiver.key, alert, alert_text.dump(alert), time.now))
    return Courier(receiver, outbox, RLock(), lambda _: None, 15.0, Clock(time, time, lambda: 1.0))


def test_pauses_double_up_to_five_minutes_and_begin_anew_after_a_success() -> None:
    time, scripted = Time(), Scripted(*[UnavailableError("x")] * 11)
    one = courier(scripted, time, firing(), resolved())
    pauses = []
    while len(one.outbox) == 2:
        assert one.step() == 0.0
        pauses.append(one.step() or 0.0)
        time.pass_by(pauses[-1])
    assert pauses[:-1] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert one.details()["failures"] == 0
    assert one.counts.retried == 11


def test_a_pause_has_full_jitter() -> None:
    time = Time()
    scripted = Scripted(UnavailableError("x"))
    one = courier(scripted, time, firing())
    one._backoff._random = lambda: 0.25
    one.step()
    assert one.step() == 0.25


def test_a_receiver_that_asks_for_time_gets_it() -> None:
    time = Time()
    one = courier(Scripted(UnavailableError("HTTP 429", 120.0)), time, firing())
    one.step()
    assert one.step() == 120.0
    time.pass_by(119.0)
    assert one.step() == 1.0
    time.pass_by(1.0)
    assert (one.step(), len(one.outbox)) == (0.0, 0)


def test_each_alert_is_told_in_order_through_failures() -> None:
    time = Time()
    scripted = Scripted(UnavailableError("x"), None, UnavailableError("x"), batch=10)
    one = courier(scripted, time, firing("A"), resolved("A"), firing("B"))
    while (wait := one.step()) is not None:
        time.pass_by(wait)
    assert scripted.sent == [
        [("A", "firing"), ("B", "firing")],
        [("A", "firing"), ("B", "firing")],
        [("A", "resolved")],
        [("A", "resolved")],
    ]


def test_one_alert_that_is_refused_spoils_no_other(caplog: pytest.LogCaptureFixture) -> None:
    scripted = Scripted(batch=10)
    one = courier(scripted, Time(), firing("A"), firing("Bad"), firing("B"))
    while one.step() is not None:
        pass
    assert scripted.sent[1:] == [[("A", "firing")], [("Bad", "firing")], [("B", "firing")]]
    details = one.details()
    assert (details["sent"], details["dead"], details["queued"], details["last_error"]) == (2, 1, 0, "HTTP 400")
    assert "alert Bad (firing) was refused by scripted and is not sent again: HTTP 400" in caplog.text


def test_alerts_are_repeated_as_prometheus_repeats_them() -> None:
    time, scripted = Time(), Scripted(batch=64, repeats=True)
    one = courier(scripted, time)
    alert, end = firing(at=time.now), resolved(at=time.now, until=time.now + 100)

    def sends(active: Alert) -> bool:
        one.refresh([active])
        before = len(scripted.sent)
        while one.step() is not None:
            pass
        return len(scripted.sent) > before

    assert sends(alert), "at once"
    assert scripted.valid_until == time.now + 240, "four times the resend delay"
    assert not sends(alert)
    time.pass_by(59)
    assert not sends(alert)
    time.pass_by(1)
    assert sends(alert), "every minute"
    time.pass_by(40)
    assert sends(end), "at once when it is resolved"
    minutes = 0
    while time.pass_by(60).now < alert.active_since + 3600:
        minutes += sends(end)
    assert minutes == 14, "for 15 minutes"


def test_nothing_is_repeated_unless_the_evaluator_says_that_it_is_so() -> None:
    time, scripted = Time(), Scripted(batch=64, repeats=True)
    one = courier(scripted, time)
    one.refresh([firing()])
    one.step()
    one.refresh([])
    time.pass_by(3600)
    assert one.step() is None


def test_an_alert_that_is_refused_is_not_repeated() -> None:
    time, scripted = Time(), Scripted(batch=64, repeats=True)
    one = courier(scripted, time)
    one.refresh([firing("Bad"), firing("A")])
    while one.step() is not None:
        pass
    time.pass_by(60)
    while one.step() is not None:
        pass
    assert scripted.sent[-1] == [("A", "firing")]


def test_what_is_new_is_told_before_it_is_repeated() -> None:
    time, scripted = Time(), Scripted(UnavailableError("x"), batch=64, repeats=True)
    one = courier(scripted, time, firing())
    one.refresh([firing()])
    while (wait := one.step()) is not None:
        time.pass_by(wait)
    assert scripted.sent == [[("Slow", "firing")]] * 2


def test_a_bug_in_a_receiver_is_a_failure_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_opentelemetry.guard.reraise", False)
    time = Time()
    one = courier(Scripted(ZeroDivisionError("secret")), time, firing())
    assert one.step() == 0.0
    assert one.details()["last_error"] == "ZeroDivisionError"
    time.pass_by(1)
    assert (one.step(), len(one.outbox)) == (0.0, 0)
