"""A scrape in pieces is the same scrape."""

from __future__ import annotations

import gc

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client.exposition import choose_encoder

from mcp_opentelemetry.exposition import no_collection
from mcp_opentelemetry.readers import ScrapeReader

TEXT = "text/plain"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
@pytest.mark.parametrize("label_sets", [0, 1, 150, 999, 1_000, 1_001])
def test_pieces_add_up_to_the_whole(accept: str, label_sets: int) -> None:
    reader = ScrapeReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("test")
    counter, histogram = meter.create_counter("calls"), meter.create_histogram("duration", "s", "Quoted \\ and\nbroken")
    for number in range(label_sets):
        counter.add(number, {"tool": f'"{number}"\n'})
        histogram.record(number, {"tool": str(number)})
    body, content_type = reader.render(accept)
    encode, expected_type = choose_encoder(accept)
    assert (body, content_type) == (encode(reader._registry), expected_type)


@pytest.mark.parametrize("enabled", [True, False])
def test_collector_is_left_as_it_was(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    try:
        with no_collection():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
