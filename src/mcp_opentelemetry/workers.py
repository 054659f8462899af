"""How many processes answer on one port: each knows what it has served itself, and who asks reaches any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Collection

_ADVICE: Final = (
    "one of {} workers that share a port, and each knows only what it has served itself: send everything to a "
    "collector (OTEL_EXPORTER_OTLP_ENDPOINT), or give each worker a port of its own (OTEL_PYTHON_MCP_HTTP_PORT=0)"
)


class Shared(TypedDict):
    """That there are several workers, and what to do."""

    of: int
    advice: str


class Workers:
    """What is known of the processes beside this one."""

    def __init__(self) -> None:
        self.begin_anew()
        self.stands_by = False

    def begin_anew(self) -> None:
        """Know of none, as in a forked child, which may be anything: it stands by until it serves."""
        self.stands_by = True
        self._told: int | None = None
        self._ports: frozenset[int] = frozenset()

    def supervise(self) -> None:
        """Take note that this process starts workers, and serves nothing itself."""
        self.stands_by = True

    def are(self, count: int) -> None:
        """Take note of how many there are, as their supervisor has been told."""
        self._told = count

    def listen(self, ports: Collection[int]) -> None:
        """Take note of where this process serves."""
        self._ports = frozenset(ports)

    def count(self) -> int:
        """Return how many processes answer on this one's port, this one included; blocks for some milliseconds.

        Where no supervisor has told, sockets are looked at, which only Linux shows.
        """
        if self._told is not None:
            return self._told
        return 1 + (self._seen() or 0)

    def shared(self) -> Shared | None:
        """Return what to say of numbers that are one worker's; `None` where they are of all there is; blocks."""
        count = self.count()
        return None if count == 1 else {"of": count, "advice": _ADVICE.format(count)}

    @guarded
    def _seen(self) -> int:
        from mcp_opentelemetry.system.siblings import siblings_on  # noqa: PLC0415 (where many ask, nobody needs it)

        return siblings_on(self._ports) if self._ports else 0
