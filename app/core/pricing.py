"""What a call costs: the only place where tokens become money."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol, TypeVar

from app.core.usage import Usage

NOTHING = Decimal(0)

PER_MILLION = -6
"""Rates are per million tokens: a shift of the decimal point, so that costs stay exact."""


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens."""

    input: Decimal
    output: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal


@dataclass(frozen=True, slots=True)
class Tier:
    """Rates for the whole call when its prompt has more than `above_prompt_tokens` tokens."""

    above_prompt_tokens: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Price:
    """Rates valid from a day on (UTC); `tiers` are ordered, the first starting at 0."""

    since: date
    tiers: tuple[Tier, ...]
    source: str

    def rates(self, prompt_tokens: int) -> Rates:
        reached = [t for t in self.tiers[1:] if prompt_tokens > t.above_prompt_tokens]
        return reached[-1].rates if reached else self.tiers[0].rates


class Dated(Protocol):
    """What holds from a day on."""

    @property
    def since(self) -> date: ...


Valid = TypeVar("Valid", bound=Dated)


def price_on(prices: Sequence[Valid], day: date) -> Valid:
    """The price valid on `day`; days before the first price take the first."""
    valid = [p for p in prices if p.since <= day]
    return max(valid, key=lambda p: p.since) if valid else min(prices, key=lambda p: p.since)


@dataclass(frozen=True, slots=True)
class Cost:
    """USD by what it was spent on."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    guardrail: Decimal = NOTHING
    """For what a guardrail went through; not by tokens."""

    @property
    def total(self) -> Decimal:
        return (
            self.input
            + self.output
            + self.cache_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.guardrail
        )


def cache_as_input(usage: Usage, price: Price, factor: Decimal) -> Decimal:
    """USD that the tokens read from and written to the prompt cache would have cost as fresh input.

    What caching saved is the difference to what was paid for them.
    """
    tokens = usage.prompt_tokens - usage.input_tokens
    return (tokens * price.rates(usage.prompt_tokens).input * factor).scaleb(PER_MILLION)


def cost(usage: Usage, price: Price, factor: Decimal) -> Cost:
    """Exact cost in USD; `factor` is that of the inference profile (1.1 for most regional ones)."""
    rates = price.rates(usage.prompt_tokens)

    def usd(tokens: int, rate: Decimal) -> Decimal:
        return (tokens * rate * factor).scaleb(PER_MILLION) if tokens else NOTHING

    return Cost(
        input=usd(usage.input_tokens, rates.input),
        output=usd(usage.output_tokens, rates.output),
        cache_read=usd(usage.cache_read_tokens, rates.cache_read),
        cache_write_5m=usd(usage.cache_write_5m_tokens, rates.cache_write_5m),
        cache_write_1h=usd(usage.cache_write_1h_tokens, rates.cache_write_1h),
    )


def total(costs: Iterable[Cost]) -> Cost:
    """The sum of each part."""
    first, *others = costs
    for other in others:
        first = Cost(
            input=first.input + other.input,
            output=first.output + other.output,
            cache_read=first.cache_read + other.cache_read,
            cache_write_5m=first.cache_write_5m + other.cache_write_5m,
            cache_write_1h=first.cache_write_1h + other.cache_write_1h,
            guardrail=first.guardrail + other.guardrail,
        )
    return first
