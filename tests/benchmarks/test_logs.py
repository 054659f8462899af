"""What a log record costs its caller, beside other formatters of the same record: ratios, side by side in one run."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import structlog
from pythonjsonlogger.json import JsonFormatter

from mcp_opentelemetry.logs import formats
from mcp_opentelemetry.logs.line import Line
from mcp_opentelemetry.logs.pipeline import Pipeline
from mcp_opentelemetry.logs.reading import Reader

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

FIELDS = {"city": "Oslo", "seconds": 0.25, "rows": 12, "user": {"id": 7, "plan": "free"}}


def stream_with(formatter: logging.Formatter) -> logging.Handler:
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(formatter)
    return handler


def ours(write: Callable[[Line], object]) -> logging.Handler:
    pipeline = Pipeline(lambda: None)
    pipeline.connect(Reader(), [write], 0)
    return pipeline


def ours_written() -> logging.Handler:
    stream = io.StringIO()
    return ours(lambda line: stream.write(formats.otel(line) + "\n"))


HANDLERS: dict[str, Callable[[], logging.Handler]] = {
    "stdlib text": lambda: stream_with(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")),
    "python-json-logger": lambda: stream_with(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s")),
    "structlog": lambda: stream_with(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso"),
            ],
        )
    ),
    "ours, what the caller waits for": lambda: ours(lambda _: None),
    "ours, with what its thread does": ours_written,
}


@contextmanager
def logging_to(handler: logging.Handler) -> Iterator[logging.Logger]:
    logger = logging.getLogger("benchmark")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


@pytest.mark.benchmark(group="a log record with five fields")
@pytest.mark.parametrize("name", HANDLERS)
def test_cost_of_a_record(benchmark: BenchmarkFixture, name: str) -> None:
    with logging_to(HANDLERS[name]()) as logger:
        benchmark(lambda: logger.info("fetched %s", "rain", extra=FIELDS))
