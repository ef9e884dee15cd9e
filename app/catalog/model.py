"""What is known of a model: how it is called, what it can do, what it costs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from app.core.budgets import NO_LIMITS, Limits
from app.core.guardrail import NO_UNITS, GuardrailPrice, GuardrailUnits
from app.core.pricing import Cost, Price, cache_as_input, cost, price_on, total
from app.core.usage import Usage

Thinking = Literal["none", "budget", "either", "adaptive", "always"]
"""`budget`: `enabled` with a token budget; `adaptive`: the model decides, `disabled` is taken;
`either`: both of these; `always`: as adaptive, but it cannot be switched off."""

Effort = Literal["low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What Bedrock takes for a model; anything else it answers with a 400."""

    thinking: Thinking
    thinking_display: bool
    """`thinking.display` may be sent."""
    effort: tuple[Effort, ...]
    """The values `output_config.effort` may have; empty where it may not be sent."""
    structured_output: bool
    """`output_config.format` may be sent."""
    system_messages: bool
    """`role: system` is taken inside `messages`."""
    sampling: bool
    """`temperature`, `top_p` and `top_k` may be sent."""
    prefill: bool
    """The last message may be the assistant's."""
    tool_search: bool
    """`defer_loading` and `tool_reference` are known."""
    forced_tool_choice: bool
    cache_ttl: bool
    """`cache_control.ttl` may be sent."""
    count_tokens: bool
    betas: tuple[str, ...]
    """Values that `anthropic_beta` may hold in the body."""
    beta_aliases: tuple[tuple[str, str], ...] = ()
    """Flags of clients, and what Bedrock calls them."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to reach a model: an inference profile, or the bare id for in-region use."""

    name: str
    """`us`, `eu`, `global`…; `bare` for the id without a prefix."""
    bedrock_id: str
    factor: Decimal
    """What the profile's price is multiplied with."""


@dataclass(frozen=True, slots=True)
class Model:
    """A public model: one row of the catalogue."""

    name: str
    display_name: str
    description: str
    aliases: tuple[str, ...]
    bedrock_id: str
    profiles: tuple[Profile, ...]
    context_tokens: int
    max_output_tokens: int
    released: date
    capabilities: Capabilities
    prices: tuple[Price, ...]
    guardrail_prices: tuple[GuardrailPrice, ...] = ()
    limits: Limits = NO_LIMITS
    """Those of all its callers together, by the operator's word."""


@dataclass(frozen=True, slots=True)
class Target:
    """A model as asked for by a client and as Bedrock is asked for it."""

    asked: str
    """The name in the request: what the reply calls the model."""
    model: Model
    profile: Profile

    def cost(
        self,
        usage: Usage,
        day: date,
        guardrail: GuardrailUnits = NO_UNITS,
        steps: Sequence[Usage] = (),
    ) -> Cost:
        """Exact cost in USD of `usage` and of a guardrail's work, on `day` (UTC). `steps` are the
        calls of the model that make up the usage: the prompt of each decides its price tier."""
        price = self._price(day)
        tokens = total(cost(step, price, self.profile.factor) for step in steps or (usage,))
        if guardrail == NO_UNITS:
            return tokens
        return replace(tokens, guardrail=price_on(self.model.guardrail_prices, day).cost(guardrail))

    def cache_as_input(self, usage: Usage, day: date) -> Decimal:
        """USD that the tokens of the prompt cache would have cost without one."""
        return cache_as_input(usage, self._price(day), self.profile.factor)

    def _price(self, day: date) -> Price:
        return price_on(self.model.prices, day)


_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:bedrock:[a-z0-9-]*:[0-9]*:(?:inference-profile|foundation-model)/([^/]+)"
)


def model_name(model_id: str) -> str:
    """The id within the ARN of an inference profile or foundation model; else what was given."""
    arn = _ARN.fullmatch(model_id)
    return arn[1] if arn else model_id


def partition(region: str) -> str:
    """The part of AWS that a region is in, as ARNs begin with it."""
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
