from datetime import date
from decimal import Decimal

import pytest

from app.core.pricing import Cost, Price, Rates, Tier, cache_as_input, cost, price_on, total
from app.core.usage import Usage

ONE = Decimal(1)
CHEAP = Rates(Decimal("0.10"), Decimal("0.50"), Decimal("0.125"), Decimal("0.20"), Decimal("0.01"))
DEAR = Rates(Decimal("0.50"), Decimal("2.50"), Decimal("0.625"), Decimal("1.00"), Decimal("0.05"))
TIERED = Price(date(2026, 1, 1), (Tier(0, CHEAP), Tier(100_000, DEAR)), "test")
FLAT = Price(date(2026, 1, 1), (Tier(0, CHEAP),), "test")


@pytest.mark.parametrize(
    ("usage", "factor", "dollars"),
    [
        (Usage(), "1", "0"),
        (Usage(input_tokens=1), "1", "0.0000001"),
        (Usage(output_tokens=1), "1", "0.0000005"),
        (Usage(cache_write_5m_tokens=1), "1", "0.000000125"),
        (Usage(cache_write_1h_tokens=1), "1", "0.0000002"),
        (Usage(cache_read_tokens=1), "1", "0.00000001"),
        (Usage(cache_read_tokens=1), "1.1", "0.000000011"),
        (Usage(1, 3, 7, 11, 13), "1", "0.000005645"),
        (Usage(1, 3, 7, 11, 13), "1.1", "0.0000062095"),
        (Usage(99_999, 128_000), "1.2", "0.08879988"),
    ],
)
def test_cost_is_exact_to_the_last_digit(usage: Usage, factor: str, dollars: str) -> None:
    assert cost(usage, TIERED, Decimal(factor)).total == Decimal(dollars)


@pytest.mark.parametrize(
    ("usage", "factor", "dollars"),
    [
        (Usage(input_tokens=1_000, output_tokens=1_000), "1", "0"),
        (Usage(cache_read_tokens=7, cache_write_5m_tokens=2, cache_write_1h_tokens=1), "1", "1E-6"),
        (Usage(cache_read_tokens=10), "1.1", "0.0000011"),
        (Usage(cache_read_tokens=100_001), "1", "0.0500005"),
    ],
)
def test_without_a_cache_its_tokens_cost_as_much_as_fresh_ones(
    usage: Usage, factor: str, dollars: str
) -> None:
    assert cache_as_input(usage, TIERED, Decimal(factor)) == Decimal(dollars)


@pytest.mark.parametrize(
    ("usage", "rates"),
    [
        (Usage(input_tokens=100_000), CHEAP),
        (Usage(input_tokens=100_001), DEAR),
        (Usage(input_tokens=1, cache_read_tokens=100_000), DEAR),
        (Usage(input_tokens=1, cache_write_5m_tokens=50_000, cache_write_1h_tokens=50_000), DEAR),
        (Usage(input_tokens=1, output_tokens=1_000_000), CHEAP),
    ],
)
def test_the_tier_is_chosen_by_the_whole_prompt_and_not_by_the_answer(
    usage: Usage, rates: Rates
) -> None:
    assert TIERED.rates(usage.prompt_tokens) == rates


def test_the_dearer_tier_holds_for_the_whole_call() -> None:
    assert cost(Usage(input_tokens=100_001), TIERED, ONE).total == Decimal("0.0500005")


def test_a_price_without_a_second_tier_stays_flat() -> None:
    assert FLAT.rates(10_000_000) == CHEAP


def test_the_price_of_a_day_is_the_latest_that_has_begun() -> None:
    first, second, third = (
        Price(date(2026, month, 1), (Tier(0, CHEAP),), f"price {month}") for month in (1, 5, 9)
    )
    prices = (third, first, second)

    assert price_on(prices, date(2026, 4, 30)) == first
    assert price_on(prices, date(2026, 5, 1)) == second
    assert price_on(prices, date(2026, 12, 31)) == third


def test_a_day_before_all_prices_takes_the_first() -> None:
    early, late = (
        Price(date(2026, month, 1), (Tier(0, CHEAP),), f"price {month}") for month in (3, 6)
    )

    assert price_on((late, early), date(2020, 1, 1)) == early


def test_a_total_counts_every_kind_of_token_once() -> None:
    usage = Usage(1, 2, 4, 8, 16)

    assert usage.prompt_tokens == 29
    assert usage.total_tokens == 31


def test_the_costs_of_several_steps_are_summed_by_their_parts() -> None:
    parts = [Cost(*(Decimal(10**part * step) for part in range(6))) for step in (1, 2, 4)]

    assert total(parts) == Cost(*(Decimal(7 * 10**part) for part in range(6)))
    assert total(parts).total == 777_777
