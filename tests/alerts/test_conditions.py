"""Conditions in Python: told once when they begin to hold, once when they no longer do, and never in anybody's way."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from mcp_opentelemetry.alerts import conditions
from mcp_opentelemetry.alerts import evaluator as module
from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.conditions import add_condition, remove_condition
from mcp_opentelemetry.alerts.evaluator import Evaluator
from mcp_opentelemetry.alerts.source import WindowStorage
from mcp_opentelemetry.config import Settings
from mcp_opentelemetry.window.window import Window
from tests.waiting import DEADLINE, eventually

NO_RULES = {"OTEL_PYTHON_MCP_ALERT_DEFAULTS": "false"}


class Told:
    """A delivery that only listens."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []

    def publish(self, transitions: Sequence[Alert], active: Sequence[Alert]) -> None:
        self.changes += [(alert.name, alert.state) for alert in transitions]

    def restore(self) -> list[Alert]:
        return []


@pytest.fixture(autouse=True)
def no_conditions() -> Iterator[None]:
    yield
    for condition in conditions.registered():
        remove_condition(condition.name)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a condition as long as a busy machine may take to ask it; later answers count at the next look."""
    monkeypatch.setattr(module, "_PATIENCE", DEADLINE)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def evaluator(told: Told) -> Evaluator:
    window = Window(list)
    return Evaluator(Settings.from_mapping(NO_RULES), WindowStorage(window, dict), window.collect, lambda: None, told)


def test_alert_is_told_once_while_it_holds_and_again_only_after_it_resolved(evaluator: Evaluator, told: Told) -> None:
    answers = iter([False, True, True, True, False, False, True])
    add_condition("backlog", lambda: next(answers), severity="critical")
    states = [[alert.state for alert in evaluator.check()] for _ in range(7)]
    assert states == [[], ["firing"], ["firing"], ["firing"], [], [], ["firing"]]
    assert told.changes == [("backlog", "firing"), ("backlog", "resolved"), ("backlog", "firing")]


@pytest.mark.parametrize(
    ("answer", "holds", "value"),
    [
        (True, True, 1.0),
        (7, True, 7.0),
        (0.5, True, 0.5),
        ("x", True, 1.0),
        (0, False, 0),
        (None, False, 0),
        ([], False, 0),
    ],
)
def test_what_is_returned_is_taken_as_true_or_false(
    evaluator: Evaluator, answer: Any, holds: bool, value: float
) -> None:
    add_condition("c", lambda: answer, labels={"team": "a"}, summary="now {{ $value }}")
    alerts = evaluator.check()
    assert bool(alerts) is holds
    if holds:
        assert alerts[0].value == value
        assert alerts[0].labels == {"alertname": "c", "severity": "warning", "team": "a"}
        assert alerts[0].annotations["summary"].startswith("now ")


def test_async_condition_is_asked_too(evaluator: Evaluator) -> None:
    async def holds() -> bool:
        await asyncio.sleep(0)
        return True

    add_condition("c", holds)
    assert [alert.state for alert in evaluator.check()] == ["firing"]


def test_check_may_be_called_on_a_running_loop(evaluator: Evaluator) -> None:
    async def holds() -> bool:
        return True

    add_condition("c", holds)

    async def main() -> list[Alert]:
        return evaluator.check()

    assert [alert.name for alert in asyncio.run(main())] == ["c"]


def test_condition_must_hold_for_long_enough(evaluator: Evaluator) -> None:
    add_condition("c", lambda: True, for_=3600)
    assert [alert.state for alert in evaluator.check()] == ["pending"]


@pytest.mark.parametrize("error", [RuntimeError("secret"), SystemExit(1), KeyboardInterrupt()])
def test_failing_condition_is_logged_once_and_breaks_no_other(
    evaluator: Evaluator, told: Told, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    is_broken = False

    def fail() -> bool:
        if is_broken:
            raise error
        return True

    add_condition("bad", fail)
    add_condition("good", lambda: True)
    evaluator.check()
    is_broken = True
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert {alert.name for alert in evaluator.check()} == {"bad", "good"}  # it stays as it was
    warnings = [record.getMessage() for record in caplog.records if "bad" in record.getMessage()]
    assert len(warnings) == 1
    assert type(error).__name__ in warnings[0]
    assert "secret" not in warnings[0]
    assert told.changes == [("bad", "firing"), ("good", "firing")]


def test_condition_that_hangs_is_called_once_and_holds_up_nobody(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    release, calls = threading.Event(), []

    def hang() -> bool:
        calls.append(1)
        return release.wait(DEADLINE)

    add_condition("hangs", hang)
    add_condition("good", lambda: True)
    try:
        eventually(lambda: [alert.name for alert in evaluator.check()] == ["good"])
        for _ in range(3):
            assert [alert.name for alert in evaluator.check()] == ["good"]
        eventually(lambda: calls)
        assert calls == [1]
    finally:
        release.set()


def test_removed_condition_resolves_its_alert(evaluator: Evaluator, told: Told) -> None:
    add_condition("c", lambda: True)
    evaluator.check()
    remove_condition("c")
    assert evaluator.check() == []
    assert told.changes == [("c", "firing"), ("c", "resolved")]


def test_condition_may_evaluate_snapshots_that_show_alerts(evaluator: Evaluator) -> None:
    add_condition("c", lambda: len(evaluator.alerts()) == 0)
    assert [alert.name for alert in evaluator.check()] == ["c"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("", lambda: True), "name"),
        (("a", 7), "called"),
        (("a", lambda: True, "warning", -1), "for_"),
        (("a", lambda: True, "warning", float("nan")), "for_"),
    ],
)
def test_wrong_argument_is_refused(arguments: tuple[Any, ...], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        add_condition(*arguments)


def test_bad_template_and_taken_name_are_refused() -> None:
    with pytest.raises(ValueError, match="template"):
        add_condition("a", lambda: True, summary="{{ exec }}")
    add_condition("a", lambda: True)
    with pytest.raises(ValueError, match="already"):
        add_condition("a", lambda: True)
