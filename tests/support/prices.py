"""What Bedrock bills, by a price table of the tests' own.

It shares neither a number nor a line of code with the gateway, so a wrong price, a wrong tier or a
wrong formula there shows as a difference. USD, from the vendors' price pages; which page each price
is from is in `app/catalog/models.json`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Rate:
    """USD per million tokens of input and output; a cache read costs `read` times the input."""

    input: str
    output: str
    read: str = "0.1"
    above_100k: int = 1
    """What all prices are multiplied with for prompts of more than 100,000 tokens."""


RATES: Mapping[str, Rate] = {
    "claude-fable-5-2": Rate("8", "40", "0.025"),
    "claude-fable-5-1": Rate("10", "50", "0.025"),
    "claude-fable-5": Rate("10", "50"),
    "claude-opus-5-5": Rate("4", "20", "0.05"),
    "claude-opus-5": Rate("5", "25"),
    "claude-opus-4-8": Rate("5", "25"),
    "claude-opus-4-7": Rate("5", "25"),
    "claude-opus-4-6-v1": Rate("5", "25"),
    "claude-opus-4-5-20251101-v1:0": Rate("5", "25"),
    "claude-opus-4-1-20250805-v1:0": Rate("15", "75"),
    "claude-sonnet-5-5": Rate("2", "10", "0.05"),
    "claude-sonnet-5": Rate("2", "10"),
    "claude-sonnet-4-6": Rate("3", "15"),
    "claude-sonnet-4-5-20250929-v1:0": Rate("3", "15"),
    "claude-haiku-5-5": Rate("0.10", "0.50", above_100k=5),
    "claude-haiku-4-5-20251001-v1:0": Rate("1", "5"),
    "claude-3-5-haiku-20241022-v1:0": Rate("0.80", "4"),
}
WITHOUT_REGIONAL_PREMIUM = {"claude-opus-4-1-20250805-v1:0", "claude-3-5-haiku-20241022-v1:0"}
WRITE_5M, WRITE_1H = Fraction(5, 4), Fraction(2)
GUARDRAIL_PER_UNIT = Fraction(15, 100_000)
"""A content filter, and as much again for denied topics."""


def premium(profile: str, model: str) -> Fraction:
    if profile in ("global", "") or model in WITHOUT_REGIONAL_PREMIUM:
        return Fraction(1)
    return Fraction(6, 5) if profile == "us-gov" else Fraction(11, 10)


def cost(row: Mapping[str, Any]) -> Decimal:
    """What Bedrock bills for a row of the emulator's log, exactly."""
    profile, _, model = row["model"].rpartition("anthropic.")
    rate = RATES[model]
    fresh, read = row["input_tokens"], row["cache_read_input_tokens"]
    written_5m = row["cache_creation_5m_input_tokens"]
    written_1h = row["cache_creation_1h_input_tokens"]
    prompt = fresh + read + written_5m + written_1h
    tier = rate.above_100k if prompt > 100_000 else 1
    units = fresh + read * Fraction(rate.read) + written_5m * WRITE_5M + written_1h * WRITE_1H
    tokens = units * Fraction(rate.input) + row["output_tokens"] * Fraction(rate.output)
    usd = tokens * tier * premium(profile.rstrip("."), model) / 1_000_000
    usd += 2 * row["guardrail_units"] * GUARDRAIL_PER_UNIT
    return Decimal(usd.numerator) / Decimal(usd.denominator)


def bill(rows: Sequence[Mapping[str, Any]]) -> Decimal:
    """What Bedrock bills for all of them."""
    return sum(map(cost, rows), Decimal(0))
