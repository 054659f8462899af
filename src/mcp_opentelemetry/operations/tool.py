"""`@instrument_tool`: a function that is called outside MCP counts as a tool call as well."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from functools import partial, wraps
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from opentelemetry.context import attach, detach
from opentelemetry.trace import SpanKind, set_span_in_context

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.operations import semconv
from mcp_opentelemetry.operations.failure import mark
from mcp_opentelemetry.operations.message import Message
from mcp_opentelemetry.operations.operation import current_operation, get_operations
from mcp_opentelemetry.operations.outcome import SUCCESS, Outcome, cancelled, crash

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

F = TypeVar("F", bound=Callable[..., Any])


@overload
def instrument_tool(function: F, /) -> F: ...
@overload
def instrument_tool(*, name: str | None = None) -> Callable[[F], F]: ...
def instrument_tool(function: Any = None, /, *, name: str | None = None) -> Any:
    """Count and time a tool function's calls, with a span each, wherever they come from.

    A call that MCP makes is measured already and is not measured twice. The wrapper is of the same kind as the
    function (sync, async, generator, async generator) and has its signature, so it can be registered as a tool.
    A generator's call lasts until it is exhausted; its span is not current in between.

    Args:
        function: the function, when used without parentheses.
        name: the tool's name, if it is registered by another than the function's own.
    """
    if function is None:
        return partial(instrument_tool, name=name)
    return _instrument(function, name or getattr(function, "__name__", type(function).__name__))


def _instrument(function: Any, name: str) -> Any:
    if isinstance(function, staticmethod):
        return staticmethod(_instrument(cast("Any", function).__func__, name))
    if isinstance(function, classmethod):
        return classmethod(_instrument(cast("Any", function).__func__, name))
    if inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function, name)
    elif inspect.isasyncgenfunction(function):
        wrapper = _async_generator(function, name)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function, name)
    else:
        wrapper = _plain(function, name)
    return wraps(function)(wrapper)


def _plain(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with _recorded(name, current=True):
            return function(*args, **kwargs)

    return call


def _coroutine(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with _recorded(name, current=True):
            return await function(*args, **kwargs)

    return call


def _generator(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _recorded(name, current=False):
            return (yield from cast("Generator[Any, Any, Any]", function(*args, **kwargs)))

    return call


def _async_generator(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with _recorded(name, current=False):
            async with aclosing(function(*args, **kwargs)) as items:
                async for item in items:
                    yield item

    return call


class _Call:
    """A call in progress."""

    def __init__(self, name: str, *, current: bool) -> None:
        self._operations = get_operations()
        # Its calls count as the tool's; nobody is known to wait for them.
        message = Message(semconv.TOOLS_CALL, semconv.TOOLS_CALL, name, is_request=False)
        self._kind = self._operations.measurements.kinds.of(message)
        attributes = {semconv.GEN_AI_OPERATION_NAME: semconv.EXECUTE_TOOL, semconv.GEN_AI_TOOL_NAME: name}
        self._span: Span = self._operations.tracer.start_span(
            f"{semconv.EXECUTE_TOOL} {name}", kind=SpanKind.INTERNAL, attributes=attributes
        )
        self._context = set_span_in_context(self._span)
        self._started = perf_counter()
        self._token: Token[Context] | None = attach(self._context) if current else None

    @guarded
    def end(self, outcome: Outcome) -> None:
        """Record how it ended."""
        if self._token is not None:
            detach(self._token)
        if self._kind.is_of_parent:
            return
        elapsed = perf_counter() - self._started
        mark(self._span, outcome, self._operations.capture)
        self._operations.measurements.finished(self._kind, False, elapsed, outcome, self._context)
        self._span.end()


@contextmanager
def _recorded(name: str, *, current: bool) -> Generator[None]:
    call = _begin(name, current=current)
    if call is None:
        yield
        return
    try:
        yield
    except GeneratorExit:
        call.end(SUCCESS)  # the consumer has seen enough
        raise
    except asyncio.CancelledError:
        call.end(cancelled())
        raise
    except BaseException as error:
        call.end(crash(error, None))
        raise
    call.end(SUCCESS)


@guarded
def _begin(name: str, *, current: bool) -> _Call | None:
    operation = current_operation()
    if operation is not None and operation.message.method == semconv.TOOLS_CALL and operation.message.target == name:
        return None
    return _Call(name, current=current)
