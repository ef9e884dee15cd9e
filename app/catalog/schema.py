"""The shape of `models.json`, checked when the gateway starts.

`python -m app.catalog.schema` prints the JSON schema that is kept next to the file.
"""

import json
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from app.catalog.model import Effort, Thinking

ProfileName = Literal["global", "us", "eu", "jp", "au", "apac", "us-gov", "bare"]
"""Prefixes of Bedrock's inference profiles; `bare` is the model id itself, in-region."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$", max_length=100)]

Amount = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=6)]

Tokens = Annotated[int, Field(gt=0)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CapabilitiesEntry(_Entry):
    """Field by field what `app.catalog.model.Capabilities` holds."""

    thinking: Thinking
    thinking_display: bool
    effort: tuple[Effort, ...]
    structured_output: bool
    system_messages: bool
    sampling: bool
    prefill: bool
    tool_search: bool
    forced_tool_choice: bool
    cache_ttl: bool
    count_tokens: bool
    betas: tuple[str, ...]


class GuardrailPriceEntry(_Entry):
    """USD per 1,000 units of a guardrail's policies, from a day on."""

    since: date
    source: Annotated[str, Field(min_length=1)]
    content: Amount
    content_images: Amount
    topic: Amount
    sensitive: Amount
    grounding: Amount
    reasoning: Amount


class RatesEntry(_Entry):
    """USD per million tokens, written as strings so that no float touches them."""

    input: Amount
    output: Amount
    cache_write_5m: Amount
    cache_write_1h: Amount
    cache_read: Amount


class TierEntry(_Entry):
    """Rates of prompts with more than `above_prompt_tokens` tokens."""

    above_prompt_tokens: Annotated[int, Field(ge=0)]
    rates: RatesEntry


class PriceEntry(_Entry):
    """Rates from a day (UTC) on, with where they were read."""

    since: date
    source: Annotated[str, Field(min_length=1)]
    tiers: Annotated[tuple[TierEntry, ...], Field(min_length=1)]

    @field_validator("tiers")
    @classmethod
    def _tiers_ascend_from_zero(cls, tiers: tuple[TierEntry, ...]) -> tuple[TierEntry, ...]:
        bounds = [tier.above_prompt_tokens for tier in tiers]
        if bounds[0] != 0 or bounds != sorted(set(bounds)):
            msg = f"tiers must start at 0 and ascend, got {bounds}"
            raise ValueError(msg)
        return tiers


class ModelEntry(_Entry):
    """A public model."""

    name: Name
    display_name: Annotated[str, Field(min_length=1)]
    description: Annotated[str, Field(min_length=1)]
    aliases: tuple[Name, ...]
    bedrock_id: Annotated[str, Field(pattern=r"^anthropic\.claude-[a-z0-9.:\-]+$")]
    profiles: Annotated[dict[ProfileName, Amount], Field(min_length=1)]
    context_tokens: Tokens
    max_output_tokens: Tokens
    released: date
    capabilities: CapabilitiesEntry
    prices: Annotated[tuple[PriceEntry, ...], Field(min_length=1)]

    @field_validator("prices")
    @classmethod
    def _prices_ascend(cls, prices: tuple[PriceEntry, ...]) -> tuple[PriceEntry, ...]:
        days = [price.since for price in prices]
        if days != sorted(set(days)):
            msg = "prices must be ordered by their day, one a day"
            raise ValueError(msg)
        return prices


class CatalogFile(_Entry):
    """The whole of `models.json`."""

    schema_: Annotated[str, Field(alias="$schema")]
    beta_aliases: dict[str, str]
    """Beta flags of Anthropic's API that Bedrock calls by another name."""

    guardrail_prices: Annotated[tuple[GuardrailPriceEntry, ...], Field(min_length=1)]
    models: Annotated[tuple[ModelEntry, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = Counter(name for model in self.models for name in (model.name, *model.aliases))
        names.update(model.bedrock_id for model in self.models)
        twice = sorted(name for name, count in names.items() if count > 1)
        if twice:
            msg = f"names, aliases and Bedrock ids must be unique: {', '.join(twice)}"
            raise ValueError(msg)
        return self


def json_schema() -> str:
    """The JSON schema of `models.json`, as `models.schema.json` holds it."""
    return json.dumps(CatalogFile.model_json_schema(by_alias=True), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json_schema())
