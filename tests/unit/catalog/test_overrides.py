"""The operator's models, laid over those that ship with the gateway."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.catalog.catalog import shipped_models
from app.catalog.model import Model
from app.catalog.overrides import Definition, ModelOverride, below_shipped, definition_of, merge
from app.core.budgets import Limits

TODAY = date(2026, 11, 23)
SHIPPED = shipped_models()
HAIKU = next(model for model in SHIPPED if model.name == "claude-haiku-4-5")
PROFILE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
PRICES = (
    ("input_cost_per_token", Decimal("0.000002")),
    ("output_cost_per_token", Decimal("0.00001")),
)


def word(name: str, target: str, **fields: Any) -> ModelOverride:
    return ModelOverride(f"id-of-{name}", name, Definition(target, **fields))


def laid(*words: ModelOverride) -> dict[str, Model]:
    found = merge(SHIPPED, words, TODAY)
    assert found.problems == {}
    return {model.name: model for model in found.models}


def problem(one: ModelOverride) -> str:
    return merge(SHIPPED, [one], TODAY).problems[one.id]


def test_without_words_the_models_are_those_shipped() -> None:
    assert merge(SHIPPED, [], TODAY).models == SHIPPED


def test_a_name_for_a_model_is_one_of_its_aliases() -> None:
    models = laid(word("quick", HAIKU.name), word("quicker", HAIKU.name))

    assert models[HAIKU.name].aliases == (*HAIKU.aliases, "quick", "quicker")


def test_a_name_for_one_profile_leads_to_that_alone() -> None:
    found = merge(SHIPPED, [word("quick", PROFILE)], TODAY)

    assert (found.aliases, found.models) == ({"quick": PROFILE}, SHIPPED)


OPUS = next(model for model in SHIPPED if model.name == "claude-opus-4-1")


@pytest.mark.parametrize(
    "name",
    [
        OPUS.name,
        *OPUS.aliases,
        OPUS.bedrock_id,
        *(profile.bedrock_id for profile in OPUS.profiles),
    ],
)
@pytest.mark.parametrize("target", [HAIKU.name, PROFILE, "us.anthropic.claude-x-v1:0"])
def test_no_name_of_a_shipped_model_leads_elsewhere(name: str, target: str) -> None:
    one = word(name, target, base=HAIKU.name)

    assert f"{name} is a name of the shipped model {OPUS.name}" in problem(one)
    assert merge(SHIPPED, [one], TODAY).aliases == {}
    assert merge(SHIPPED, [one], TODAY).models == SHIPPED


@pytest.mark.parametrize("alias", [*HAIKU.aliases, PROFILE])
def test_an_alias_of_a_shipped_model_gets_no_price_of_its_own(alias: str) -> None:
    assert "is a name of the shipped model" in problem(word(alias, HAIKU.name, rates=PRICES))


def costs(input_: str, output: str) -> tuple[tuple[str, Decimal], ...]:
    return (
        ("input_cost_per_token", Decimal(input_)),
        ("output_cost_per_token", Decimal(output)),
    )


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (Definition(HAIKU.name, rates=costs("0", "0")), "input_cost_per_token"),
        (Definition(HAIKU.name, rates=costs("0.0000011", "0")), "output_cost_per_token"),
        # Less than the regional profiles of the model cost.
        (Definition(PROFILE, rates=costs("0.000001", "0.000005")), "input_cost_per_token"),
        (Definition("us.anthropic.x", HAIKU.name, costs("0", "1")), "input_cost_per_token"),
        (Definition(HAIKU.name, rates=costs("0.0000011", "0.0000055")), None),
        (Definition(HAIKU.name), None),
        (Definition("gpt-5", rates=costs("0", "0")), None),
    ],
)
def test_a_price_below_the_shipped_one_is_found(definition: Definition, field: str | None) -> None:
    found = below_shipped(SHIPPED, definition, TODAY)

    assert (found[0] if found else None) == field


def test_a_price_below_that_of_long_prompts_is_found() -> None:
    for model in SHIPPED:
        tiers = model.prices[-1].tiers
        if len(tiers) > 1 and tiers[1].rates.input > tiers[0].rates.input:
            rates = costs(f"{tiers[0].rates.input * Decimal('1.1') / 10**6}", "1")
            assert below_shipped(SHIPPED, Definition(model.name, rates=rates), TODAY)


def test_a_shipped_model_takes_limits_and_keeps_its_names_and_prices() -> None:
    limits = Limits(rpm=5, tpm=6, parallel=7)
    models = laid(word("quick", HAIKU.name), word(HAIKU.name, HAIKU.name, limits=limits))

    changed = models[HAIKU.name]
    assert changed.limits == limits
    assert changed.prices == HAIKU.prices
    assert "quick" in changed.aliases
    assert list(models) == [model.name for model in SHIPPED]


def test_own_prices_hold_for_every_profile_as_they_are() -> None:
    model = laid(word("mine", HAIKU.name, rates=PRICES))["mine"]

    rates = model.prices[0].rates(500_000)
    assert (rates.input, rates.output) == (Decimal(2), Decimal(10))
    assert (rates.cache_write_5m, rates.cache_write_1h) == (Decimal("2.5"), Decimal(4))
    assert rates.cache_read == Decimal("0.2")
    assert {profile.factor for profile in model.profiles} == {1}
    assert model.capabilities == HAIKU.capabilities


def test_with_prices_a_profile_stays_the_only_one() -> None:
    model = laid(word("mine", PROFILE, rates=PRICES))["mine"]

    assert [profile.bedrock_id for profile in model.profiles] == [PROFILE]


@pytest.mark.parametrize(
    ("target", "name", "bedrock_id", "factor"),
    [
        ("us.anthropic.claude-x-v1:0", "us", "anthropic.claude-x-v1:0", Decimal("1.1")),
        ("global.anthropic.claude-x-v1:0", "global", "anthropic.claude-x-v1:0", Decimal(1)),
        ("anthropic.claude-x-v1:0", "bare", "anthropic.claude-x-v1:0", Decimal(1)),
    ],
)
def test_a_new_bedrock_id_has_the_abilities_and_prices_of_its_base(
    target: str, name: str, bedrock_id: str, factor: Decimal
) -> None:
    model = laid(word("next", target, base=HAIKU.name))["next"]

    (profile,) = model.profiles
    assert (profile.name, profile.bedrock_id, profile.factor) == (name, target, factor)
    assert (model.bedrock_id, model.prices) == (bedrock_id, HAIKU.prices)
    assert model.context_tokens == HAIKU.context_tokens


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (word("a", "gpt-5"), "neither a model here nor a Bedrock id"),
        (word("a", "us.anthropic.claude-x-v1:0"), "name the model whose capabilities"),
        (word("a", "us.anthropic.claude-x-v1:0", base="gpt-5"), "name the model whose"),
        (word("a", HAIKU.name, rates=PRICES[:1]), "prices need both of them"),
    ],
)
def test_what_cannot_be_is_left_out_and_said(one: ModelOverride, said: str) -> None:
    assert said in problem(one)
    assert merge(SHIPPED, [one], TODAY).models == SHIPPED


def test_a_definition_is_stored_without_loss() -> None:
    full = Definition("m", "b", PRICES, Limits(rpm=1, tpm=2, parallel=3))

    for definition in (full, Definition("m")):
        assert definition_of(definition.as_json()) == definition
    assert full.as_json()["input_cost_per_token"] == "0.000002"
