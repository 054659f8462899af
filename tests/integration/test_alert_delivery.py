"""Every transition arrives: through kill -9, and at a real Alertmanager that is restarted."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Final

import pytest

from mcp_opentelemetry.alerts.alert import Alert
from mcp_opentelemetry.alerts.clock import Clock
from mcp_opentelemetry.alerts.delivery import Delivery
from mcp_opentelemetry.alerts.journal import Journal
from mcp_opentelemetry.alerts.receivers.entries import read_receivers
from tests.alerts.sink import Sink, firing, listening, reset, resolved
from tests.integration.alertmanager import RealAlertmanager, needs_alertmanager
from tests.integration.processes import PATIENCE, free_port
from tests.waiting import eventually

ROOT: Final = Path(__file__).parents[2]

# Publishes a transition for each line that it reads, and says so when it is on the disk.
CHILD: Final = """
import sys
from pathlib import Path
from mcp_opentelemetry.alerts.clock import Clock
from mcp_opentelemetry.alerts.delivery import Delivery
from mcp_opentelemetry.alerts.journal import Journal
from mcp_opentelemetry.alerts.receivers.entries import read_receivers
from tests.alerts.sink import firing, resolved
clock = Clock(random=lambda: 0.002)
delivery = Delivery(read_receivers(sys.argv[2]), Journal(Path(sys.argv[1])), 15.0, clock)
print(",".join(sorted(alert.name for alert in delivery.restore())), flush=True)
for line in sys.stdin:
    name, state = line.split()
    at = clock.wall()
    alert = firing(name, at=at) if state == "firing" else resolved(name, at=at - 1, until=at)
    delivery.publish([alert], [*delivery.restore(), alert])
    print("published", flush=True)
delivery.close(60)
"""


class Child:
    """A process that publishes alerts."""

    def __init__(self, directory: Path, receiver: str) -> None:
        command = [sys.executable, "-c", CHILD, str(directory), receiver]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
        )
        self.restored = self._line()

    def publish(self, name: str, state: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name} {state}\n")
        assert self._line() == "published"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        self.process.communicate(timeout=2 * PATIENCE)
        assert self.process.returncode == 0

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def test_a_transition_outlives_kill_9_between_its_commit_and_its_delivery(tmp_path: Path) -> None:
    with listening() as sink:
        sink.answers.append(sink.hang)
        receiver = sink.url("/", "webhook+http")
        child = Child(tmp_path, receiver)
        child.publish("Slow", "firing")
        eventually(lambda: sink.received)
        child.kill()
        assert sink.accepted() == []
        child = Child(tmp_path, receiver)
        assert child.restored == "Slow", "what was firing is known to fire"
        eventually(sink.accepted)
        child.publish("Slow", "resolved")
        child.end()
        assert sink.accepted() == [("Slow", "firing"), ("Slow", "resolved")]


def test_an_end_is_told_though_the_process_died_before_it_could(tmp_path: Path) -> None:
    port = free_port()
    receiver = f"webhook+http://127.0.0.1:{port}/"
    child = Child(tmp_path, receiver)
    child.publish("Slow", "firing")
    child.publish("Slow", "resolved")
    child.kill()
    with listening(port=port) as sink:
        Child(tmp_path, receiver).end()
        assert sink.accepted() == [("Slow", "firing"), ("Slow", "resolved")]


def test_no_transition_is_lost_over_many_kills_and_failures(tmp_path: Path) -> None:
    chance = random.Random(1)
    published: list[tuple[str, str]] = []
    kills = 12
    with listening() as sink:
        receiver = sink.url("/", "webhook+http")
        for kill in range(kills):
            child = Child(tmp_path, receiver)
            sink.answers.extend(chance.choice([503, reset, (429, {"Retry-After": "0"}, ""), 200]) for _ in range(4))
            for number in range(chance.randrange(1, 12)):
                name = f"A{kill}x{number}"
                child.publish(name, "firing")
                published.append((name, "firing"))
                if chance.random() < 0.5:
                    child.publish(name, "resolved")
                    published.append((name, "resolved"))
            heard = len(sink.received) + chance.randrange(3)
            eventually(lambda heard=heard: len(sink.received) >= heard or sink.accepted()[-1:] == published[-1:])
            child.kill()
        Child(tmp_path, receiver).end()
        arrived = Counter(sink.accepted())
    twice = sum(arrived.values()) - len(arrived)
    print(f"{len(published)} transitions, {kills} kills: {len(arrived)} arrived, {twice} of them more than once")
    assert set(arrived) == set(published)
    assert twice <= kills, "at most what was under way at a kill comes again"
    for name in {name for name, state in published if state == "resolved"}:
        order = list(dict.fromkeys(state for alert, state in sink.accepted() if alert == name))
        assert order == ["firing", "resolved"]


@pytest.fixture
def notified() -> Iterator[Sink]:
    """Return what Alertmanager notifies."""
    with listening() as sink:
        yield sink


@pytest.fixture
def alertmanager(tmp_path: Path, notified: Sink) -> Iterator[RealAlertmanager]:
    alertmanager = RealAlertmanager(tmp_path, notified.url("/"))
    try:
        yield alertmanager
    finally:
        alertmanager.stop()


class Evaluator:
    """Publishes what is active, again and again, as an evaluator does."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._active: dict[str, Alert] = {}
        self._is_over = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def change(self, alerts: Sequence[Alert]) -> None:
        self._active = {**self._active, **{alert.fingerprint: alert for alert in alerts}}
        self._delivery.publish(alerts, [*self._active.values()])

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.1):
            self._delivery.publish([], [*self._active.values()])


@needs_alertmanager
def test_a_real_alertmanager_hears_everything_though_it_is_restarted(
    tmp_path: Path, alertmanager: RealAlertmanager, notified: Sink
) -> None:
    ahead = [0.0]
    clock = Clock(wall=lambda: time.time() + ahead[0], random=lambda: 0.005)
    receivers = read_receivers(f"alertmanager+http://127.0.0.1:{alertmanager.port}")
    delivery = Delivery(receivers, Journal(tmp_path / "state"), 15.0, clock)
    evaluator = Evaluator(delivery)
    began, many = time.time(), 40
    names = [f"A{number}" for number in range(many)]
    dotted = {"gen_ai.tool.name": "a"}
    try:
        evaluator.change([firing(name, began, **dotted) for name in names])  # before it has even started
        alertmanager.start()
        eventually(lambda: set(notified.accepted()) == {(name, "firing") for name in names})
        first = time.time() - began
        # It notifies before we know that it has taken everything, and before it has noted that it did.
        eventually(lambda: delivery.counts()["alertmanager"]["queued"] == 0)
        eventually(lambda: alertmanager.answered() == many)
        alertmanager.stop()
        half, more = names[: many // 2], [f"B{number}" for number in range(many)]
        evaluator.change([resolved(name, began, time.time(), **dotted) for name in half])
        failed = delivery.counts()["alertmanager"]["failed"]
        evaluator.change([firing(name, time.time()) for name in more])
        eventually(lambda: delivery.counts()["alertmanager"]["failed"] > failed + 2)
        assert delivery.counts()["alertmanager"]["queued"] == many // 2 + many
        back = time.time()
        alertmanager.start()
        expected = {(name, "firing") for name in names + more} | {(name, "resolved") for name in half}
        eventually(lambda: set(notified.accepted()) == expected)
        again = time.time() - back
        ahead[0] += 60.0  # time to repeat
        eventually(lambda: set(alertmanager.alerts()) >= {*names[many // 2 :], *more})
        eventually(lambda: delivery.counts()["alertmanager"]["queued"] == 0)
        counts = delivery.counts()["alertmanager"]
        arrived = Counter(notified.accepted())
        twice = sum(arrived.values()) - len(arrived)
        print(
            f"{len(expected)} transitions over one restart: {len(arrived)} arrived, {twice} more than once; all firing "
            f"after {first:.2f} s, the rest {again:.2f} s after the start; {counts}"
        )
        assert twice == 0, "Alertmanager tells repetitions from news"
        assert (counts["queued"], counts["dropped"], counts["dead"]) == (0, 0, 0)
        held = alertmanager.alerts()[names[-1]]
        assert held["labels"]["gen_ai_tool_name"] == "a"
    finally:
        evaluator.close()
        delivery.close(5)


@needs_alertmanager
def test_one_alert_that_a_real_alertmanager_refuses_spoils_no_other(
    alertmanager: RealAlertmanager, notified: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    receivers = read_receivers(f"alertmanager+http://127.0.0.1:{alertmanager.port}")
    alertmanager.start()
    delivery = Delivery(receivers, Journal(None), 15.0)
    now = time.time()
    alerts = [firing("A", now), Alert({"": ""}, {}, "firing", 1.0, now, now), firing("B", now)]
    try:
        delivery.publish(alerts, alerts)
        eventually(lambda: set(notified.accepted()) == {("A", "firing"), ("B", "firing")})
        eventually(lambda: delivery.counts()["alertmanager"]["queued"] == 0)
        (status,) = delivery.status()["receivers"]
        assert status["dead"] == 1
        assert status["last_error"].startswith("HTTP 400")
        assert "is not sent again: HTTP 400" in caplog.text
    finally:
        delivery.close(5)


@needs_alertmanager
def test_what_was_published_last_is_drained_at_the_end(alertmanager: RealAlertmanager, notified: Sink) -> None:
    alertmanager.start()
    delivery = Delivery(read_receivers(f"alertmanager+http://127.0.0.1:{alertmanager.port}"), Journal(None), 15.0)
    alerts = [firing(f"A{number}", time.time()) for number in range(200)]
    start = time.monotonic()
    delivery.publish(alerts, alerts)
    delivery.close(PATIENCE)
    print(f"{len(alerts)} alerts drained in {time.monotonic() - start:.2f} s")
    assert len(alertmanager.alerts()) == len(alerts)
