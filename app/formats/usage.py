"""Anthropic's `usage` object: what an answer was billed for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from app.core.usage import Usage

JsonObject = dict[str, Any]

MOST_TOKENS: Final = 10_000_000
"""More than any model reads or writes in one call."""

MOST_ITERATIONS: Final = 1_000
"""More than any answer has."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens as one or several usage objects report them; what was not reported is 0."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    """All tokens written to the cache."""
    cache_write_5m: int = 0
    """Those of them that are known to be kept for five minutes."""
    cache_write_1h: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.cache_write_5m + other.cache_write_5m,
            self.cache_write_1h + other.cache_write_1h,
        )

    def at_least(self, other: "Counts") -> "Counts":
        """The larger of each count: reports are cumulative, and may leave counts out."""
        return Counts(
            max(self.input, other.input),
            max(self.output, other.output),
            max(self.cache_read, other.cache_read),
            max(self.cache_write, other.cache_write),
            max(self.cache_write_5m, other.cache_write_5m),
            max(self.cache_write_1h, other.cache_write_1h),
        )

    def usage(self, *, one_hour_cache: bool) -> Usage:
        """What is billed. Cache writes whose lifetime is not reported are those of one hour if
        `one_hour_cache`, else of five minutes."""
        rest = max(0, self.cache_write - self.cache_write_5m - self.cache_write_1h)
        return Usage(
            input_tokens=self.input,
            output_tokens=self.output,
            cache_read_tokens=self.cache_read,
            cache_write_5m_tokens=self.cache_write_5m + (0 if one_hour_cache else rest),
            cache_write_1h_tokens=self.cache_write_1h + (rest if one_hour_cache else 0),
        )


def counts(usage: JsonObject) -> Counts:
    """The tokens that a usage object says are billed, all of its iterations among them.

    The counts at the top leave out iterations of some types (those of a compaction), and hold
    those of others. So the sum over all iterations is billed, or the top where it is larger.
    """
    return _own(usage).at_least(total(iterations(usage)))


def iterations(usage: JsonObject) -> tuple[Counts, ...]:
    """The steps of an answer, of whatever type; empty where the usage does not list them."""
    listed = usage.get("iterations")
    if not isinstance(listed, list):
        return ()
    return tuple(_own(item) for item in listed[:MOST_ITERATIONS] if isinstance(item, dict))


def total(steps: Iterable[Counts]) -> Counts:
    """The sum of each count."""
    return sum(steps, Counts())


def parse_usage(usage: JsonObject, *, one_hour_cache: bool) -> Usage:
    """Counts of Anthropic's `usage`; missing ones are 0.

    Where cache writes are not split by lifetime, `one_hour_cache` says which one was asked for.
    """
    return counts(usage).usage(one_hour_cache=one_hour_cache)


def usage_json(usage: Usage) -> JsonObject:
    """Anthropic's `usage` of these counts."""
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
    }


def tells_output(usage: JsonObject) -> bool:
    """Whether it says how many tokens were generated."""
    return counts(usage).output > 0


def _own(usage: JsonObject) -> Counts:
    split = usage.get("cache_creation")
    if not isinstance(split, dict):
        split = {}
    written_5m = _count(split, "ephemeral_5m_input_tokens")
    written_1h = _count(split, "ephemeral_1h_input_tokens")
    return Counts(
        input=_count(usage, "input_tokens"),
        output=_count(usage, "output_tokens"),
        cache_read=_count(usage, "cache_read_input_tokens"),
        cache_write=max(_count(usage, "cache_creation_input_tokens"), written_5m + written_1h),
        cache_write_5m=written_5m,
        cache_write_1h=written_1h,
    )


def _count(fields: JsonObject, name: str) -> int:
    """What no answer can have is not believed: it would use up every budget at once."""
    value = fields.get(name)
    return value if isinstance(value, int) and 0 < value <= MOST_TOKENS else 0
