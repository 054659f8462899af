"""What is measured of operations and sessions: durations as histograms, everything else as tallies."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, create_key

from mcp_opentelemetry.forks import in_child
from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.operations.kind import Kinds
from mcp_opentelemetry.operations.notable import SLOW, NotableCalls
from mcp_opentelemetry.operations.outcome import SUCCESS, Outcome
from mcp_opentelemetry.operations.size import size_of
from mcp_opentelemetry.operations.tallies import Tallies

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, Meter

    from mcp_opentelemetry.operations.kind import Kind
    from mcp_opentelemetry.operations.message import Message

# A context without a span: a measurement in it carries no exemplar. It must not be empty, which the SDK
# takes for "none given" and replaces by the current one.
_NO_EXEMPLAR: Final = Context({create_key("mcp-no-exemplar"): True})
# An exemplar costs as much as two attributes: take one of each failure and each slow call, else one a second.
_EXEMPLAR_INTERVAL: Final = 1.0


class Measurements:
    """The instruments of one process.

    Args:
        meter: what makes them.
    """

    def __init__(self, meter: Meter) -> None:
        self.tallies = Tallies(meter)
        self.kinds = Kinds(self.tallies)
        self.notable = NotableCalls()
        self._handled = _histogram(
            meter, semconv.SERVER_OPERATION_DURATION, "Time from receiving a message to having its result."
        )
        self._sent = _histogram(
            meter, semconv.CLIENT_OPERATION_DURATION, "Time from sending a request to receiving its result."
        )
        self._served = _histogram(
            meter, semconv.SERVER_SESSION_DURATION, "Time from a session's initialization to its end, at the server."
        )
        self._used = _histogram(
            meter, semconv.CLIENT_SESSION_DURATION, "Time from a session's initialization to its end, at the client."
        )
        self._next_exemplar = 0.0
        in_child(self._begin_anew)

    def started(self, kind: Kind) -> None:
        """Count an operation in."""
        if kind.active is not None:
            self.tallies.started(kind.active)

    def finished(
        self, kind: Kind, is_sent: bool, elapsed: float, outcome: Outcome, context: Context, result: object = None
    ) -> None:
        """Count an operation out, and record how long it took.

        Args:
            kind: its kind.
            is_sent: whether its message was sent from here.
            elapsed: seconds.
            outcome: how it ended.
            context: the context of its span, which an exemplar may point to.
            result: a tool's result.
        """
        size = size_of(result) if kind.tool is not None and result is not None else 0
        self.tallies.finished(kind.active, kind.tool, outcome.failure, size)
        if not kind.is_measured:
            return
        if (outcome is not SUCCESS or elapsed >= SLOW) and not is_sent:
            failure = outcome.failure or outcome.error_type or outcome.status_code
            self.notable.note(kind, elapsed, failure, context)
        attributes = kind.metric_attributes
        if outcome is not SUCCESS:
            attributes = {**attributes, **outcome.attributes()}
        duration = self._sent if is_sent else self._handled
        duration.record(elapsed, attributes, self._exemplar(context, elapsed, outcome))

    def session_started(self, initialize: Message) -> None:
        """Count a session in, which the request has opened."""
        if not initialize.is_sent:
            self.tallies.session_changed(initialize.transport.network, 1)

    def session_ended(self, initialize: Message, started: float, error_type: str | None = None) -> None:
        """Record the length of a session.

        Args:
            initialize: the request that opened it.
            started: `time.perf_counter()` when that was answered.
            error_type: what ended it, if it did not end well.
        """
        if not initialize.is_sent:
            self.tallies.session_changed(initialize.transport.network, -1)
        attributes: dict[str, Any] = {
            semconv.ERROR_TYPE: error_type,
            semconv.MCP_PROTOCOL_VERSION: initialize.protocol_version,
            semconv.NETWORK_TRANSPORT: initialize.transport.network,
            semconv.NETWORK_PROTOCOL_NAME: initialize.transport.protocol,
        }
        if initialize.is_sent and initialize.peer is not None:
            attributes[semconv.SERVER_ADDRESS], attributes[semconv.SERVER_PORT] = initialize.peer
        known = {name: value for name, value in attributes.items() if value is not None}
        (self._used if initialize.is_sent else self._served).record(perf_counter() - started, known)

    def _begin_anew(self) -> None:
        self.tallies.count_from_zero()
        self.kinds.leave_to_parent()
        self.notable = NotableCalls()

    def _exemplar(self, context: Context, elapsed: float, outcome: Outcome) -> Context:
        now = perf_counter()
        if outcome is SUCCESS and elapsed < SLOW and now < self._next_exemplar:
            return _NO_EXEMPLAR
        self._next_exemplar = now + _EXEMPLAR_INTERVAL
        return context


def _histogram(meter: Meter, name: str, description: str) -> Histogram:
    boundaries = list(semconv.DURATION_BOUNDARIES)
    return meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=boundaries)
