"""The reader behind `/metrics`."""

from __future__ import annotations

import logging
from threading import Lock
from typing import Final

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from mcp_opentelemetry.exposition import no_collection, render

INSTRUMENTS: Final = (Counter, Histogram, ObservableCounter, ObservableGauge, ObservableUpDownCounter, UpDownCounter)
"""Every kind: what a reader is set to goes by kind."""

# Far above what bounded labels can reach: 1,000 tools with three outcomes are 3,000 label sets already,
# and the SDK's own limit of 2,000 folds the rest into one point without a word.
_MOST_LABEL_SETS: Final = 100_000
_OVERFLOW: Final = b'otel_metric_overflow="true"'

_logger = logging.getLogger("mcp_opentelemetry")


class ScrapeReader(PrometheusMetricReader):
    """A Prometheus reader on a registry of its own, serving one scrape at a time."""

    def __init__(self) -> None:
        super().__init__(
            scope_info_enabled=False,  # three more labels on every series, the same everywhere
            registry=CollectorRegistry(),
            cardinality_limits=dict.fromkeys(INSTRUMENTS, _MOST_LABEL_SETS),
        )
        # The base class passes data to the scrape through a queue, which two scrapes would share.
        self._scrape_lock = Lock()
        self._has_overflowed = False

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return all metrics in the format that an `Accept` header asks for, and its content type."""
        encode, content_type = choose_encoder(accept)
        with self._scrape_lock, no_collection():
            is_openmetrics = content_type.startswith("application/openmetrics-text")
            body = render(self._registry.collect(), encode, with_end=is_openmetrics)
        if not self._has_overflowed and _OVERFLOW in body:
            self._has_overflowed = True
            _logger.warning(
                "a metric has more than %d label sets; the rest is counted as otel_metric_overflow", _MOST_LABEL_SETS
            )
        return body, content_type

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Do nothing: the base class would queue a copy that the next scrape shows beside the new values."""
        return True
