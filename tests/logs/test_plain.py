"""Whatever is logged becomes plain, bounded and free of secrets; nothing of it raises."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_opentelemetry.logs.plain import LONGEST, Plainer
from mcp_opentelemetry.redaction import REDACTED, USUAL, Secrets

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=60,
)


def plain(**values: Any) -> dict[str, Any]:
    return Plainer(USUAL).fields(values)


class Colour(str, Enum):
    RED = "red"


@dataclass
class Point:
    x: int


class Rude:
    def __str__(self) -> str:
        raise RuntimeError("no")


class RudeText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no")


class RudeMapping(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def __len__(self) -> int:
        return 1


class Endless(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield str(number)

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2.5, 2.5),
        ("text", "text"),
        (Colour.RED, "red"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (b"abc", "3 bytes"),
        (date(2026, 11, 22), "2026-11-22"),
        (datetime(2026, 11, 22, tzinfo=timezone.utc), "2026-11-22T00:00:00+00:00"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Path("/tmp/x"), "/tmp/x"),
        (Point(1), "Point(x=1)"),
        ([1, (2, {"a"})], [1, [2, ["a"]]]),
        (OrderedDict(a=[1]), {"a": [1]}),
        (deque([1]), "deque([1])"),
        ({1: 2, None: 3}, {"1": 2, "None": 3}),
        (ValueError("bad"), "bad"),
        (Rude(), "Rude that cannot be shown (RuntimeError)"),
        (RudeText("still a text"), "still a text"),
        ("a file \udce9", "a file \\udce9"),
        ({"\ud800": 1}, {"\\ud800": 1}),
        (RudeMapping(), "RudeMapping that cannot be read (RuntimeError)"),
        (10**400, "a number of 1329 bits"),
    ],
)
def test_every_kind_of_value_has_a_plain_form(value: object, expected: object) -> None:
    assert plain(value=value) == {"value": expected}


@given(ANYTHING)
def test_anything_becomes_json(value: object) -> None:
    json.dumps(plain(value=value), allow_nan=False)


def test_what_contains_itself_ends() -> None:
    value: dict[str, Any] = {"name": "loop"}
    value["self"] = value
    value["many"] = [value] * 50
    written = json.dumps(plain(value=value))
    assert written.startswith('{"value": {"name": "loop", "self": {"name": "loop"')
    assert len(written) < 100_000


@pytest.mark.parametrize(
    "value", [list(range(1_000_000)), [None] * 1_000_000, Endless(), "x" * 10_000_000, [["y" * 9000] * 2000]]
)
def test_what_is_huge_is_cut(value: object) -> None:
    (found,) = plain(value=value).values()
    written = json.dumps(found, ensure_ascii=False)
    assert "…" in written
    assert len(found) <= LONGEST
    assert len(written) < 60_000


def test_deep_values_end_without_recursion_errors() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert plain(value=value) == {"value": [[[[[[[["…"]]]]]]]]}


def test_secrets_go_at_any_depth_and_in_texts() -> None:
    found = plain(
        user={"db_password": "hunter2", "note": "Authorization: Bearer hunter2"}, max_tokens=100, token="hunter2"
    )
    assert "hunter2" not in json.dumps(found)
    assert found["max_tokens"] == 100
    assert found["token"] == REDACTED


def test_further_keys_can_be_secret() -> None:
    plainer = Plainer(Secrets(["ssn", "Card-Number"]))
    found = plainer.fields({"SSN": "123-45", "card_number": 4111, "note": "ssn=123-45 and card number: 4111"})
    assert found == {"SSN": REDACTED, "card_number": REDACTED, "note": f"ssn={REDACTED} and card number: {REDACTED}"}
