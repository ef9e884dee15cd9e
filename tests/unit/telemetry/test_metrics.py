"""The gateway's own metrics."""

from dataclasses import replace
from decimal import Decimal

from app.core.pricing import Cost
from app.telemetry.metrics import Metrics
from tests.support.examples import record

CACHED = Cost(
    input=Decimal("0.5"),
    output=Decimal("0.5"),
    cache_read=Decimal("0.01"),
    cache_write_5m=Decimal("0.02"),
    cache_write_1h=Decimal("0.03"),
)


def test_what_the_prompt_cache_cost_stands_beside_what_its_tokens_would_have_cost() -> None:
    metrics = Metrics()
    ended = replace(
        record(), model="claude-haiku-4-5", cost_parts=CACHED, uncached_cost=Decimal("0.25")
    )
    metrics.record(ended)
    metrics.record(ended)

    lines = metrics.exposition().decode().splitlines()
    assert 'gateway_cache_cost_usd_total{requested_model="claude-haiku-4-5"} 0.12' in lines
    assert 'gateway_cache_uncached_cost_usd_total{requested_model="claude-haiku-4-5"} 0.5' in lines


def test_what_is_an_estimate_is_counted_with_or_without_a_cache() -> None:
    metrics = Metrics()
    metrics.record(replace(record(), ending="gateway_lost", estimated=True, cost=Decimal("0.5")))

    lines = metrics.exposition().decode().splitlines()
    assert 'gateway_estimated_spend_usd_total{ending="gateway_lost"} 0.5' in lines


def test_requests_without_cached_tokens_make_no_series_of_the_cache() -> None:
    metrics = Metrics()
    metrics.record(replace(record(), cost_parts=CACHED, uncached_cost=Decimal(0)))

    assert "gateway_cache_cost_usd_total{" not in metrics.exposition().decode()
