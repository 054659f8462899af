"""The names that `/metrics` gives to metrics and labels: rules are written in them."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.exporter.prometheus import (
    _mapping,  # pyright: ignore[reportPrivateUsage] (the very functions that name what is scraped)
)

from mcp_opentelemetry.alerts.promql.model import NAME, Labels, labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_opentelemetry.window.reader import Attributes
    from mcp_opentelemetry.window.window import Kind

_TOTAL: Final = "_total"
_mapped: Any = _mapping


def metric_name(metric: str, kind: Kind) -> str:
    """Return the name of a metric's family: with its unit, and with `_total` if it is a counter.

    Args:
        metric: the instrument's name.
        kind: what it is.
    """
    name: str = _mapped.sanitize_full_name(metric)
    unit: str = _mapped.map_unit(kind.unit)
    if kind.is_counter:
        name = name.removesuffix(_TOTAL)
    if unit and not name.endswith(f"_{unit}"):
        name = f"{name}_{unit}"
    return name + _TOTAL if kind.is_counter else name


def series_labels(name: str, attributes: Attributes, common: Mapping[str, str]) -> Labels:
    """Return the labels of a series as a scrape would have them.

    Args:
        name: the series' name.
        attributes: of the measurement.
        common: what the scraper adds, such as `job` and `instance`.
    """
    own = {
        _mapped.sanitize_attribute(key): value if isinstance(value, str) else dumps(value, default=str)
        for key, value in attributes
    }
    return labels_of({**common, **own, NAME: name})
