"""Alerts as metrics: `mcp.alerts`, evaluations, and notifications. There is no convention for any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import Observation, get_meter

from mcp_opentelemetry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, MeterProvider

    from mcp_opentelemetry.alerts.alerting import Alerting

# A scrape gives these to every series by itself.
_OF_SCRAPE: Final = frozenset({"job", "instance"})
_OUTCOMES: Final = ("sent", "failed", "retried", "dropped")


def observe_alerts(alerting: Callable[[], Alerting], meter_provider: MeterProvider | None = None) -> None:
    """Report alerts, and how their evaluation and delivery goes.

    Args:
        alerting: returns the alerting of the moment.
        meter_provider: where it is reported; the global one if omitted.
    """
    meter = get_meter("mcp_opentelemetry", __version__, meter_provider)
    gauge, counter = meter.create_observable_gauge, meter.create_observable_counter
    for make, name, unit, description, observe in (
        (gauge, "mcp.alerts", "1", "Alerts that are pending or firing.", _active),
        (counter, "mcp.alerts.evaluation.duration", "s", "Time spent in evaluating rules.", _seconds),
        (counter, "mcp.alerts.evaluations", "{evaluation}", "Rules that were evaluated.", _evaluations),
        (counter, "mcp.alerts.evaluation.failures", "{failure}", "Evaluations of rules that failed.", _failures),
        (counter, "mcp.alerts.notifications", "{notification}", "Notifications, by what became of them.", _sent),
        (gauge, "mcp.alerts.notifications.queued", "{notification}", "Notifications that wait.", _queued),
    ):
        make(name, [_callback(alerting, observe)], unit, description)


def _callback(
    alerting: Callable[[], Alerting], observe: Callable[[Alerting], Iterable[Observation]]
) -> Callable[[CallbackOptions], list[Observation]]:
    return lambda _: list(observe(alerting()))


def _active(alerting: Alerting) -> Iterable[Observation]:
    for alert in alerting.alerts():
        if alert.state != "resolved":
            own = {name: value for name, value in alert.labels.items() if name not in _OF_SCRAPE}
            yield Observation(1, {**own, "alertstate": alert.state})


def _seconds(alerting: Alerting) -> Iterable[Observation]:
    return [Observation(evaluator.seconds) for evaluator in alerting.evaluators()]


def _evaluations(alerting: Alerting) -> Iterable[Observation]:
    return [Observation(evaluator.engine.evaluations) for evaluator in alerting.evaluators()]


def _failures(alerting: Alerting) -> Iterable[Observation]:
    return [Observation(evaluator.engine.failures) for evaluator in alerting.evaluators()]


def _sent(alerting: Alerting) -> Iterable[Observation]:
    for receiver, numbers in alerting.notifications().items():
        for outcome in _OUTCOMES:
            yield Observation(int(numbers.get(outcome, 0)), {"receiver": receiver, "outcome": outcome})


def _queued(alerting: Alerting) -> Iterable[Observation]:
    for receiver, numbers in alerting.notifications().items():
        yield Observation(int(numbers.get("queued", 0)), {"receiver": receiver})
