import re
from datetime import date
from decimal import Decimal

import pytest

from app.catalog.catalog import load_catalog
from app.catalog.model import Target
from app.core.usage import Usage

TODAY = date(2026, 11, 23)
MILLION = 1_000_000

# USD per million tokens through the global profile (or the bare id): input, output, cache write
# for 5 minutes, for an hour, cache read.
LIST_PRICES = {
    "claude-haiku-4-5": "1 5 1.25 2 0.10",
    "claude-haiku-5-5": "0.10 0.50 0.125 0.20 0.01",
    "claude-sonnet-4-5": "3 15 3.75 6 0.30",
    "claude-sonnet-4-6": "3 15 3.75 6 0.30",
    "claude-sonnet-5": "2 10 2.5 4 0.20",
    "claude-sonnet-5-5": "2 10 2.5 4 0.10",
    "claude-opus-4-1": "15 75 18.75 30 1.50",
    "claude-opus-4-5": "5 25 6.25 10 0.50",
    "claude-opus-4-6": "5 25 6.25 10 0.50",
    "claude-opus-4-7": "5 25 6.25 10 0.50",
    "claude-opus-4-8": "5 25 6.25 10 0.50",
    "claude-opus-5": "5 25 6.25 10 0.50",
    "claude-opus-5-5": "4 20 5 8 0.20",
    "claude-fable-5": "10 50 12.5 20 1.00",
    "claude-fable-5-1": "10 50 12.5 20 0.25",
    "claude-fable-5-2": "8 40 10 16 0.20",
    "claude-3-5-haiku": "0.80 4 1 1.6 0.08",
}
NO_REGIONAL_SURCHARGE = {"claude-opus-4-1", "claude-3-5-haiku"}
LIMITS = {
    "claude-haiku-4-5": (200_000, 64_000),
    "claude-haiku-5-5": (1_000_000, 128_000),
    "claude-sonnet-4-5": (200_000, 64_000),
    "claude-sonnet-4-6": (1_000_000, 64_000),
    "claude-sonnet-5": (1_000_000, 128_000),
    "claude-sonnet-5-5": (1_000_000, 128_000),
    "claude-opus-4-1": (200_000, 32_000),
    "claude-opus-4-5": (200_000, 64_000),
    "claude-opus-4-6": (1_000_000, 128_000),
    "claude-opus-4-7": (1_000_000, 128_000),
    "claude-opus-4-8": (1_000_000, 128_000),
    "claude-opus-5": (1_000_000, 128_000),
    "claude-opus-5-5": (1_000_000, 128_000),
    "claude-fable-5": (1_000_000, 128_000),
    "claude-fable-5-1": (1_000_000, 128_000),
    "claude-fable-5-2": (1_000_000, 128_000),
    "claude-3-5-haiku": (200_000, 8_192),
}
BUDGET_MODELS = {"claude-opus-4-1", "claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"}


def target(name: str, profile: str | None = None) -> Target:
    return load_catalog(region="us-east-1", profile=profile).resolve(name)


def usages(tokens: int) -> tuple[Usage, ...]:
    return (
        Usage(input_tokens=tokens),
        Usage(output_tokens=tokens),
        Usage(cache_write_5m_tokens=tokens),
        Usage(cache_write_1h_tokens=tokens),
        Usage(cache_read_tokens=tokens),
    )


def rates(asked: Target, tokens: int = 1000) -> tuple[Decimal, ...]:
    """What a million tokens of each kind cost, asked in small portions below any tier."""
    return tuple(asked.cost(usage, TODAY).total * (MILLION // tokens) for usage in usages(tokens))


def decimals(text: str, factor: str = "1") -> tuple[Decimal, ...]:
    return tuple(Decimal(number) * Decimal(factor) for number in text.split())


def names() -> set[str]:
    return {model.name for model in load_catalog(region="us-east-1", profile=None).models()}


def test_the_table_of_prices_is_complete() -> None:
    assert names() == set(LIST_PRICES) == set(LIMITS)


@pytest.mark.parametrize(("name", "prices"), LIST_PRICES.items())
def test_the_global_profile_costs_the_list_price(name: str, prices: str) -> None:
    profile = "us" if name == "claude-opus-4-1" else "bare" if "3-5" in name else "global"

    assert rates(target(name, profile)) == decimals(prices)


@pytest.mark.parametrize(("name", "prices"), LIST_PRICES.items())
def test_the_us_profile_costs_a_tenth_more_from_the_4_5_generation_on(
    name: str, prices: str
) -> None:
    factor = "1" if name in NO_REGIONAL_SURCHARGE else "1.1"

    assert rates(target(name, "us")) == decimals(prices, factor)


def test_the_government_profile_costs_a_fifth_more() -> None:
    catalog = load_catalog(region="us-gov-west-1", profile=None)
    for model in catalog.models():
        profile = catalog.resolve(model.name).profile
        assert profile.factor == (Decimal("1.2") if profile.name == "us-gov" else 1)


def test_haiku_5_5_costs_more_above_100_000_tokens_of_prompt() -> None:
    haiku = target("claude-haiku-5-5", "global")
    below = Usage(input_tokens=60_000, cache_read_tokens=40_000, output_tokens=1000)
    above = Usage(input_tokens=60_001, cache_read_tokens=40_000, output_tokens=1000)

    assert haiku.cost(below, TODAY).total == Decimal("0.0069")
    assert haiku.cost(above, TODAY).total == Decimal("0.0345005")


@pytest.mark.parametrize(("name", "limits"), LIMITS.items())
def test_limits_are_those_of_the_model(name: str, limits: tuple[int, int]) -> None:
    model = target(name).model

    assert (model.context_tokens, model.max_output_tokens) == limits


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        # What Claude Code asks for when nothing is configured, by base URL and as Bedrock.
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-haiku-5-5", "claude-haiku-5-5"),
        ("claude-fable-5-2", "claude-fable-5-2"),
        ("claude-opus-4-7", "claude-opus-4-7"),
        ("claude-sonnet-4-6[1m]", "claude-sonnet-4-6"),
        ("us.anthropic.claude-opus-5-5", "claude-opus-5-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("us.anthropic.claude-fable-5-2", "claude-fable-5-2"),
        # What the gateway before this one was asked for.
        ("claude-haiku-4-5", "claude-haiku-4-5"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("claude-opus-4-5", "claude-opus-4-5"),
        ("claude-3-5-sonnet-20241022", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5-20250514", "claude-sonnet-4-5"),
        # Dated names of the Claude API.
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-opus-4-1-20250805", "claude-opus-4-1"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku"),
    ],
)
def test_the_names_in_use_resolve(asked: str, model: str) -> None:
    assert target(asked).model.name == model


def test_every_profile_has_the_factor_of_its_kind() -> None:
    expected = {"global": "1", "bare": "1", "us-gov": "1.2"}
    for name in names() - NO_REGIONAL_SURCHARGE:
        for profile in target(name).model.profiles:
            assert profile.factor == Decimal(expected.get(profile.name, "1.1")), (name, profile)


def generation(name: str) -> tuple[int, int]:
    digits = re.findall(r"\d+", name)
    return int(digits[0]), int(digits[1]) if len(digits) > 1 else 0


@pytest.mark.parametrize("name", sorted(LIST_PRICES))
def test_capabilities_follow_the_generation(name: str) -> None:
    can = target(name).model.capabilities
    born = generation(name)

    assert can.sampling == (born <= (4, 6))
    assert can.prefill == (born <= (4, 5))
    assert can.thinking_display == (born >= (4, 7))
    assert can.tool_search == can.cache_ttl == (born >= (4, 5))
    assert can.system_messages == (born >= (4, 8))
    assert (can.thinking in ("adaptive", "always", "either")) == (born >= (4, 6))
    assert (can.thinking == "budget") == (name in BUDGET_MODELS)
    assert bool(can.effort) == (born >= (4, 6) or name == "claude-opus-4-5")
    assert ("thinking-token-count-2026-05-13" in can.betas) == (born >= (4, 7))
    assert ("tool-search-tool-2025-10-19" in can.betas) == can.tool_search
    assert ("context-1m-2025-08-07" in can.betas) == (born >= (4, 6))


def test_thinking_cannot_be_switched_off_on_fable_and_the_big_5_5s() -> None:
    always = {n for n in names() if target(n).model.capabilities.thinking == "always"}

    assert always == {
        "claude-fable-5",
        "claude-fable-5-1",
        "claude-fable-5-2",
        "claude-opus-5-5",
        "claude-sonnet-5-5",
    }


def test_interleaved_thinking_is_not_offered_to_haiku_4_5() -> None:
    betas = target("claude-haiku-4-5").model.capabilities.betas

    assert "interleaved-thinking-2025-05-14" not in betas
