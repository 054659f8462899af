"""What came of a request that was sent, as an outcome; for every SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anyio import get_cancelled_exc_class

from mcp_opentelemetry.operations import outcome
from mcp_opentelemetry.operations.semconv import CONNECTION_CLOSED, OTHER, TIMEOUT, TOOLS_CALL

if TYPE_CHECKING:
    from mcp_opentelemetry.operations.outcome import Outcome

# Codes that the SDKs make up on this side: no peer has answered.
_CONNECTION_CLOSED: Final = -32000
_TIMEOUTS: Final = frozenset({-32001, 408})
# A client's tool names come out of a language model: one that has worked once is a tool, as far as these go.
_MOST_TOOLS: Final = 1_000


class KnownTools:
    """The tools that calls from here have reached."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def target(self, method: str, name: object) -> str | None:
        """Return the target of a request that is about to be sent; for a tool or prompt not known yet `_OTHER`."""
        if method not in {TOOLS_CALL, "prompts/get"}:
            return None
        return name if isinstance(name, str) and name in self._names else OTHER

    def prove(self, name: object) -> bool:
        """Take in a name that a call has just succeeded with; returns whether it can be used."""
        if isinstance(name, str) and len(self._names) < _MOST_TOOLS:
            self._names.add(name)
        return name in self._names


def of_exception(error: BaseException) -> Outcome:
    """Return the outcome of a request that ended with an exception."""
    if isinstance(error, get_cancelled_exc_class()):
        return outcome.cancelled()
    data = getattr(error, "error", None)
    code = getattr(data, "code", None)
    if not isinstance(code, int):
        return outcome.lost(_reason(error))
    if code == _CONNECTION_CLOSED:
        return outcome.lost(CONNECTION_CLOSED)
    if code in _TIMEOUTS and isinstance(error.__context__, TimeoutError):
        return outcome.lost(TIMEOUT)
    return outcome.refused(code, getattr(data, "message", None))


def _reason(error: BaseException) -> str:
    response: Any = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    return str(status) if isinstance(status, int) else outcome.failure_of(error)
