"""What checks mean by what they return and raise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.health.verdict import HEALTHY, Status, Verdict, of_raised, of_returned

FAILED = [Status.DEGRADED, Status.UNHEALTHY]
NAMES = st.sampled_from(["healthy", "degraded", "unhealthy", " Degraded ", "UNHEALTHY"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | NAMES | st.binary() | st.just(object()),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["status", "message", "x"]) | st.integers(), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("failed", FAILED)
@pytest.mark.parametrize("value", [None, True, "healthy", " Healthy\n", {}, {"status": True}, {"status": "healthy"}])
def test_well(value: object, failed: Status) -> None:
    assert of_returned(value, failed) == HEALTHY


@pytest.mark.parametrize("failed", FAILED)
@pytest.mark.parametrize(
    ("value", "status", "error"),
    [
        (False, Status.UNHEALTHY, "returned False"),
        ("degraded", Status.DEGRADED, "returned degraded"),
        ("UNHEALTHY", Status.UNHEALTHY, "returned unhealthy"),
        ({"status": "degraded"}, Status.DEGRADED, "returned degraded"),
        ({"status": False}, Status.UNHEALTHY, "returned False"),
    ],
)
def test_failure_is_no_worse_than_the_check_may_be(value: object, status: Status, error: str, failed: Status) -> None:
    verdict = of_returned(value, failed)
    assert verdict.status is min(status, failed)
    if not isinstance(value, str):
        assert verdict.error in {error, f"returned {min(status, failed)}"}


@pytest.mark.parametrize("failed", FAILED)
@pytest.mark.parametrize("value", [0, 1, 1.0, [], (True,), object(), "", "fine", "sick", b"healthy", {"status": 1}])
def test_nonsense_is_a_failure_that_quotes_nothing(value: object, failed: Status) -> None:
    verdict = of_returned(value, failed)
    assert verdict.status is failed
    assert verdict.error is not None
    assert "returned" in verdict.error
    assert "sick" not in verdict.error
    assert verdict.message is None


def test_mapping_has_a_message_and_details() -> None:
    verdict = of_returned({"status": "degraded", "message": 7, "size": 3, 4: 5}, Status.UNHEALTHY)
    assert (verdict.status, verdict.message, verdict.details) == (Status.DEGRADED, "7", {"size": 3, "4": 5})


@given(ANYTHING, st.sampled_from(FAILED))
def test_everything_means_something(value: Any, failed: Status) -> None:
    verdict = of_returned(value, failed)
    assert Status.HEALTHY <= verdict.status <= failed
    assert (verdict.error is None) == (verdict.status is Status.HEALTHY)


class _Shy(Exception):  # noqa: N818 (an exception, not an error)
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        (ConnectionError("no route"), "ConnectionError", "no route"),
        (KeyError(), "KeyError", None),
        (SystemExit(3), "SystemExit", "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt", None),
        (_Shy(), "_Shy", None),
    ],
)
def test_exception_is_a_failure_by_its_class(error: BaseException, name: str, message: str | None) -> None:
    assert of_raised(error, Status.DEGRADED) == Verdict(Status.DEGRADED, name, message)


def test_worst_status_is_the_maximum_and_reads_as_a_word() -> None:
    assert max(Status) is Status.UNHEALTHY
    assert [str(status) for status in Status] == ["healthy", "degraded", "unhealthy"]
    assert f"{Status.DEGRADED}" in {"degraded", "1"}
