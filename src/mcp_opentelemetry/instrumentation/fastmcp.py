"""The seams of fastmcp: its own spans are silenced, and what its tools raise is noted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import INVALID_SPAN, Tracer

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.operations.operation import current_operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from opentelemetry.trace import Span

    from mcp_opentelemetry.instrumentation.patches import Patches

# What fastmcp raises for a tool that is not there for this caller.
_UNKNOWN: Final = frozenset({"NotFoundError", "DisabledError"})


class SilentTracer(Tracer):
    """Makes no spans, and leaves the current one current: ours, below which the tool's own spans belong."""

    def start_span(self, *_: Any, **__: Any) -> Span:
        """Return a span that records nothing."""
        return INVALID_SPAN

    @contextmanager
    def start_as_current_span(self, *_: Any, **__: Any) -> Generator[Span]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Yield a span that records nothing and is not made current."""
        yield INVALID_SPAN


_SILENT: Final = SilentTracer()


def silence(patches: Patches) -> None:
    """Keep fastmcp 3 and 4 from making spans of their own beside ours; fastmcp 2 makes none."""
    # Looked up at each span, in the modules that have imported it by name; fastmcp is never imported on our account.
    for module in ("fastmcp.server.telemetry", "fastmcp.client.telemetry"):
        patches.wrap(module, "get_tracer", _silent_tracer, otherwise=_nothing_to_silence)


def note_tools(patches: Patches) -> None:
    """Note what tools of fastmcp 4 raise, and whether they exist, where mcp 2.x no longer knows."""
    patches.wrap("fastmcp.server.server", "FastMCP.call_tool", _note_tool)


def _silent_tracer(*_: object) -> Tracer:
    return _SILENT


async def _note_tool(wrapped: Callable[..., Awaitable[Any]], _server: Any, args: Any, kwargs: Any) -> Any:
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        _note(error)
        raise
    _note(None)
    return result


@guarded
def _note(error: BaseException | None) -> None:
    # Called again for each server that a call goes through; the outermost has the last word.
    operation = current_operation()
    if operation is not None:
        operation.raised = error
        operation.is_known = type(error).__name__ not in _UNKNOWN


def _nothing_to_silence() -> None:
    """Accept a fastmcp without spans of its own."""
