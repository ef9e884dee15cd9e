import json
from copy import deepcopy
from dataclasses import fields
from importlib.resources import files
from typing import Any

import pytest
from pydantic import ValidationError

from app.catalog.model import Capabilities
from app.catalog.schema import CapabilitiesEntry, CatalogFile, RatesEntry, json_schema
from app.core.pricing import Rates

Document = dict[str, Any]


def shipped() -> Document:
    document: Document = json.loads(files("app.catalog").joinpath("models.json").read_bytes())
    return document


def two_models() -> Document:
    document = shipped()
    return {**document, "models": deepcopy(document["models"][:2])}


def refusal_of(document: Document) -> str:
    with pytest.raises(ValidationError) as refusal:
        CatalogFile.model_validate_json(json.dumps(document))
    return str(refusal.value)


def test_the_committed_json_schema_is_the_generated_one() -> None:
    committed = files("app.catalog").joinpath("models.schema.json").read_text()

    assert committed == json_schema()


def test_the_shipped_file_is_valid() -> None:
    assert CatalogFile.model_validate_json(json.dumps(shipped())).models


def test_capabilities_and_rates_have_the_fields_of_the_domain() -> None:
    shared = {"beta_aliases"}  # one list for all models, at the top of the file
    assert list(CapabilitiesEntry.model_fields) == [
        f.name for f in fields(Capabilities) if f.name not in shared
    ]
    assert list(RatesEntry.model_fields) == [f.name for f in fields(Rates)]


def test_a_field_that_is_not_known_is_refused() -> None:
    document = two_models()
    document["models"][0]["colour"] = "blue"

    assert "Extra inputs are not permitted" in refusal_of(document)


def test_a_name_used_twice_is_refused() -> None:
    document = two_models()
    document["models"][1]["name"] = document["models"][0]["name"]

    assert "must be unique: claude-fable-5-2" in refusal_of(document)


def test_an_alias_that_is_another_models_name_is_refused() -> None:
    document = two_models()
    document["models"][1]["aliases"] = [document["models"][0]["name"]]

    assert "must be unique: claude-fable-5-2" in refusal_of(document)


def test_a_bedrock_id_used_twice_is_refused() -> None:
    document = two_models()
    document["models"][1]["bedrock_id"] = document["models"][0]["bedrock_id"]

    assert "must be unique: anthropic.claude-fable-5-2" in refusal_of(document)


@pytest.mark.parametrize("bounds", [[100], [0, 0], [0, 200, 100]])
def test_tiers_that_do_not_ascend_from_zero_are_refused(bounds: list[int]) -> None:
    document = two_models()
    price = document["models"][0]["prices"][0]
    price["tiers"] = [{**price["tiers"][0], "above_prompt_tokens": bound} for bound in bounds]

    assert "tiers must start at 0 and ascend" in refusal_of(document)


def test_a_model_without_a_price_is_refused() -> None:
    document = two_models()
    document["models"][0]["prices"] = []

    assert "prices" in refusal_of(document)


def test_two_prices_of_one_day_are_refused() -> None:
    document = two_models()
    document["models"][0]["prices"] *= 2

    assert "ordered by their day" in refusal_of(document)


def test_a_profile_that_bedrock_does_not_have_is_refused() -> None:
    document = two_models()
    document["models"][0]["profiles"] = {"mars": "1"}

    assert "profiles.mars" in refusal_of(document)


def test_a_negative_rate_is_refused() -> None:
    document = two_models()
    document["models"][0]["prices"][0]["tiers"][0]["rates"]["input"] = "-1"

    assert "greater than or equal to 0" in refusal_of(document)
