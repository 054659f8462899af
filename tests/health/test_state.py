"""How well one check is, over its runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.health.checks import Check
from mcp_opentelemetry.health.state import CheckState, Transition
from mcp_opentelemetry.health.verdict import HEALTHY, Status, Verdict

ILL = Verdict(Status.DEGRADED, "ConnectionError")
WORSE = Verdict(Status.UNHEALTHY, "ConnectionError")


def state(*, critical: bool = False, failures: int = 1, successes: int = 1) -> CheckState:
    check = Check("db", lambda: None, critical, failure_threshold=failures, success_threshold=successes)
    return CheckState("db", check)


def statuses(of: CheckState, *verdicts: Verdict) -> list[str]:
    return [str((of.take(verdict), of.status)[1]) for verdict in verdicts]


def test_users_check_counts_as_failed_until_it_has_a_result_and_a_built_in_one_does_not() -> None:
    assert state().status is Status.DEGRADED
    assert state(critical=True).status is Status.UNHEALTHY
    assert CheckState("memory").status is Status.HEALTHY
    assert state().age() is None


def test_first_result_counts_at_once() -> None:
    assert statuses(state(successes=3), HEALTHY) == ["healthy"]
    assert statuses(state(), ILL) == ["degraded"]
    # One failure is not three, so what has never been well is not ill yet.
    assert statuses(state(failures=3), ILL, ILL, ILL) == ["healthy", "healthy", "degraded"]


def test_failures_count_from_the_threshold_on_and_only_in_a_row() -> None:
    assert statuses(state(failures=2), HEALTHY, ILL, HEALTHY, ILL, ILL) == ["healthy"] * 4 + ["degraded"]


def test_successes_count_from_the_threshold_on_and_only_in_a_row() -> None:
    found = statuses(state(successes=2), ILL, HEALTHY, ILL, HEALTHY, HEALTHY)
    assert found == ["degraded"] * 4 + ["healthy"]


def test_failed_check_may_get_worse_and_better_at_once() -> None:
    assert statuses(state(critical=True, failures=2), ILL, ILL, WORSE, ILL) == [
        "healthy",
        "degraded",
        "unhealthy",
        "degraded",
    ]


def test_transitions_are_told_once_each_and_a_good_start_is_no_news() -> None:
    of = state()
    assert of.take(HEALTHY) is None
    assert of.take(HEALTHY) is None
    assert of.take(ILL) == Transition("db", Status.HEALTHY, Status.DEGRADED, "ConnectionError")
    assert of.take(ILL) is None
    assert of.take(HEALTHY) == Transition("db", Status.DEGRADED, Status.HEALTHY, None)


def test_bad_start_is_news() -> None:
    assert state().take(ILL) == Transition("db", Status.HEALTHY, Status.DEGRADED, "ConnectionError")


def test_failures_in_a_row_last_success_and_since() -> None:
    of = state()
    of.take(ILL)
    of.take(ILL)
    assert (of.consecutive_failures, of.last_success) == (2, None)
    of.take(HEALTHY, 0.25)
    assert (of.consecutive_failures, of.duration) == (0, 0.25)
    since, success = of.since, of.last_success
    assert since == success == of.taken
    of.take(HEALTHY)
    assert of.since == since
    of.take(ILL)
    assert of.since == of.taken
    assert of.last_success is not None
    assert of.last_success <= of.taken


def test_result_is_due_after_its_time_only() -> None:
    of = state()
    assert of.is_due(3600)
    of.take(HEALTHY)
    assert of.is_due(0)
    assert not of.is_due(3600)
    assert (age := of.age()) is not None
    assert age >= 0


@given(st.lists(st.sampled_from([HEALTHY, ILL, WORSE])), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_transitions_lead_from_each_status_to_the_next(
    verdicts: list[Verdict], failures: int, successes: int, critical: bool
) -> None:
    of = state(critical=critical, failures=failures, successes=successes)
    status = Status.HEALTHY
    for verdict in verdicts:
        transition = of.take(verdict)
        if transition is not None:
            assert transition.before is status
            assert transition.after is not status
            status = transition.after
        assert of.status is status
        assert not (verdict.status is Status.HEALTHY and of.consecutive_failures)


@pytest.mark.parametrize("critical", [True, False])
def test_without_thresholds_the_status_is_that_of_the_last_result(critical: bool) -> None:
    of = state(critical=critical)
    assert statuses(of, HEALTHY, ILL, WORSE, ILL, HEALTHY) == [
        "healthy",
        "degraded",
        "unhealthy",
        "degraded",
        "healthy",
    ]
