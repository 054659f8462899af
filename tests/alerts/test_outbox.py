"""What waits is sent in order for each alert; only what nobody heard of, and nobody needs, is left out."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mcp_opentelemetry.alerts.outbox import Entry, Outbox
from tests.alerts.sink import firing, resolved
from tests.effort import part_of

NAMES = st.sampled_from("ABC")


def entry(number: int, name: str = "A", *, is_firing: bool = True, text: str = "x") -> Entry:
    alert = firing(name, at=number) if is_firing else resolved(name, at=number, until=number)
    return Entry(number, "webhook:1", alert, text, float(number))


def test_a_firing_and_its_end_that_nobody_heard_of_make_way_for_the_next_firing() -> None:
    outbox = Outbox()
    first, end, second = entry(1), entry(2, is_firing=False), entry(3)
    assert [outbox.add(first), outbox.add(end)] == [[], []]
    assert outbox.add(second) == [first, end]
    assert outbox.take(10) == [second]


def test_an_end_is_not_left_out_when_its_beginning_may_have_been_heard() -> None:
    outbox = Outbox()
    first, end, second = entry(1), entry(2, is_firing=False), entry(3)
    outbox.add(first)
    outbox.put_back(*outbox.take(1))
    assert [outbox.add(end), outbox.add(second)] == [[], []]
    assert outbox.entries() == [first, end, second]


def test_the_oldest_are_dropped_beyond_the_bounds_but_not_what_is_under_way() -> None:
    outbox = Outbox(most_entries=2)
    under_way, oldest, newer, newest = (entry(number, name) for number, name in enumerate("ABCD"))
    outbox.add(under_way)
    outbox.take(1)
    for one in (oldest, newer, newest):
        outbox.add(one)
    assert outbox.shrink() == [oldest, newer]
    assert outbox.entries() == [under_way, newest]


def test_bytes_are_bounded_too() -> None:
    outbox = Outbox(most_bytes=100)
    big, small = entry(1, "A", text="x" * 90), entry(2, "B", text="x" * 20)
    outbox.add(big)
    outbox.add(small)
    assert outbox.shrink() == [big]
    assert outbox.oldest() is small


def test_one_that_fails_again_and_again_starves_no_other() -> None:
    outbox = Outbox()
    outbox.add(entry(1, "A"))
    outbox.add(entry(2, "B"))
    (bad,) = outbox.take(1)
    outbox.put_back(bad)
    (good,) = outbox.take(1)
    assert good.alert.name == "B"


class OutboxModel(RuleBasedStateMachine):
    """A plain list of everything that was ever queued, and what became of each."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox(most_entries=6)
        self.queued: list[Entry] = []
        self.gone: dict[int, str] = {}
        self.under_way: list[Entry] = []
        self.delivered: list[Entry] = []
        self.is_firing: dict[str, bool] = {}

    @rule(name=NAMES)
    def transition(self, name: str) -> None:
        self.is_firing[name] = not self.is_firing.get(name, False)
        new = entry(len(self.queued) + 1, name, is_firing=self.is_firing[name])
        self.queued.append(new)
        superseded = self.outbox.add(new)
        for old in superseded:
            assert old.attempts == 0, "somebody may have heard of it"
            assert old.alert.name == name
            self.gone[old.number] = "superseded"
        assert [old.alert.state for old in superseded] in ([], ["firing", "resolved"])
        assert not superseded or new.alert.state == "firing"
        for old in self.outbox.shrink():
            assert old not in self.under_way
            self.gone[old.number] = "dropped"

    @rule(most=st.integers(1, 3))
    def take(self, most: int) -> None:
        taken = self.outbox.take(most)
        assert len(taken) <= most
        self.under_way += taken
        names = [one.alert.name for one in self.under_way]
        assert len(names) == len(set(names)), "one at a time for each alert"

    @rule()
    def success(self) -> None:
        if self.under_way:
            one = self.under_way.pop(0)
            self.outbox.done(one)
            self.gone[one.number] = "delivered"
            self.delivered.append(one)

    @rule()
    def failure(self) -> None:
        if self.under_way:
            self.outbox.put_back(self.under_way.pop())

    @invariant()
    def nothing_is_lost(self) -> None:
        waiting = [one for one in self.queued if one.number not in self.gone]
        assert self.outbox.entries() == waiting
        assert len(self.outbox) == len(waiting) <= 6
        assert self.outbox._bytes == sum(len(one.text) for one in waiting)
        names = {one.alert.name for one in waiting}
        assert self.outbox.has_turns() == bool(names - {one.alert.name for one in self.under_way})

    @invariant()
    def each_alert_is_told_in_order(self) -> None:
        for name in "ABC":
            numbers = [one.number for one in self.delivered if one.alert.name == name]
            assert numbers == sorted(set(numbers))

    def teardown(self) -> None:
        while self.under_way:
            self.success()
        while self.outbox.has_turns():
            self.take(3)
            while self.under_way:
                self.success()
        assert len(self.outbox) == 0
        for name, is_firing in self.is_firing.items():
            last = [one for one in self.queued if one.alert.name == name][-1]
            if self.gone[last.number] == "delivered":
                final = [one for one in self.delivered if one.alert.name == name][-1]
                assert (final.alert.state == "firing") == is_firing
            else:
                assert self.gone[last.number] == "dropped"


OutboxModel.TestCase.settings = settings(max_examples=part_of(150), stateful_step_count=40)
test_the_outbox_does_as_the_model = OutboxModel.TestCase
