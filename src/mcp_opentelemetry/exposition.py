"""A scrape in pieces: Prometheus' text of many samples, without standing in the event loop's way."""

from __future__ import annotations

import gc
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from prometheus_client import Metric

# So many are made into text, and freed, in about 10 ms (samples).
_PIECE: Final = 1_000
_END: Final = b"# EOF\n"


class _Piece:
    """A part of a metric, as a registry that an encoder can read."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> tuple[Metric]:
        return (self._metric,)


@contextmanager
def no_collection() -> Generator[None]:
    """Keep the garbage collector out.

    A scrape makes so many objects at once that Python walks through all that the process has, and that in one go:
    100 ms in which no thread runs. None of them is garbage before the scrape ends, and then they go by themselves.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def render(metrics: Iterable[Metric], encode: Callable[[_Piece], bytes], *, with_end: bool) -> bytes:
    """Return metrics as text.

    Args:
        metrics: large ones lose their samples on the way: to free them all at the end would take long, in one go.
        encode: makes text of a registry.
        with_end: whether the format has an end mark.
    """
    texts = [text.removesuffix(_END) for metric in metrics for text in _encoded(metric, encode)]
    return b"".join(texts) + (_END if with_end else b"")


def _encoded(metric: Metric, encode: Callable[[_Piece], bytes]) -> Generator[bytes]:
    if len(metric.samples) <= _PIECE:
        yield encode(_Piece(metric))
        return
    samples, metric.samples = deque(metric.samples), []
    is_first = True
    while samples:
        metric.samples = [samples.popleft() for _ in range(min(_PIECE, len(samples)))]
        text = encode(_Piece(metric))
        yield text if is_first else _without_header(text)
        is_first = False


def _without_header(text: bytes) -> bytes:
    start = 0
    while text.startswith(b"# ", start):
        start = text.index(b"\n", start) + 1
    return text[start:]
