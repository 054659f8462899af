"""The SDK's in-memory reader, set up for the window, and what it returns as plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.sdk.metrics import Histogram
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, Sum
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

from mcp_opentelemetry.exposition import no_collection
from mcp_opentelemetry.readers import INSTRUMENTS
from mcp_opentelemetry.window.distribution import Buckets, Distribution

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint, Metric

Attributes = frozenset[tuple[str, Any]]

# 352 buckets hold 100 us to 300 s at scale 4, where a quantile is within 2.2 % (operations, part 3.2).
_MOST_BUCKETS: Final = 352
# 1,000 tools with three outcomes on two transports, and as much again; what is beyond becomes one series of the SDK's.
_MOST_LABEL_SETS: Final = 12_000


@dataclass(frozen=True, slots=True)
class Row:
    """One series at one collection.

    Args:
        metric: the instrument's name.
        attributes: what tells it from the metric's other series.
        value: the amount so far or the level now of a counter or gauge; what has come in since the last collection, of
            a histogram.
        is_counter: whether the value only grows.
        unit: the instrument's.
    """

    metric: str
    attributes: Attributes
    value: float | Distribution
    is_counter: bool
    unit: str = ""


class WindowReader:
    """Collects everything that the SDK measures.

    Histograms are delta, because least and greatest values cannot be subtracted, and a cumulative scale that one
    outlier has made coarse stays coarse. Everything else is cumulative: the totals are wanted as they are.
    """

    def __init__(self) -> None:
        self.is_attached = False
        self.reader = InMemoryMetricReader(
            preferred_temporality={
                **dict.fromkeys(INSTRUMENTS, AggregationTemporality.CUMULATIVE),
                Histogram: AggregationTemporality.DELTA,
            },
            preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation(max_size=_MOST_BUCKETS)},
            cardinality_limits=dict.fromkeys(INSTRUMENTS, _MOST_LABEL_SETS),
        )

    def attach(self, provider: MeterProvider) -> None:
        """Begin to collect from a provider."""
        provider.add_metric_reader(self.reader)
        self.is_attached = True

    def detach(self, provider: MeterProvider) -> None:
        """Collect no more."""
        self.is_attached = False
        provider.remove_metric_reader(self.reader)

    def collect(self) -> list[Row]:
        """Return all series; those of histograms only if something has come in. Nothing before it is attached."""
        if not self.is_attached:
            return []
        with no_collection():
            data = self.reader.get_metrics_data()
            if data is None:
                return []
            scopes = (scope for resource in data.resource_metrics for scope in resource.scope_metrics)
            return [row for scope in scopes for metric in scope.metrics for row in _rows(metric)]


def _rows(metric: Metric) -> Iterator[Row]:
    is_counter = isinstance(metric.data, Sum) and metric.data.is_monotonic
    for point in metric.data.data_points:
        attributes = frozenset(cast("Mapping[str, Any]", point.attributes or {}).items())
        if hasattr(point, "value"):
            yield Row(metric.name, attributes, float(cast("Any", point).value), is_counter, metric.unit or "")
        elif hasattr(point, "scale"):
            yield Row(
                metric.name, attributes, _distribution(cast("Any", point)), is_counter=False, unit=metric.unit or ""
            )


def _distribution(point: ExponentialHistogramDataPoint) -> Distribution:
    return Distribution(
        count=point.count,
        total=point.sum,
        low=point.min,
        high=point.max,
        zeros=point.zero_count,
        scale=point.scale,
        buckets=Buckets.of_counts(point.positive.offset, point.positive.bucket_counts),
    )
