"""Tokens by the five kinds that Bedrock bills."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one call; `input_tokens` leaves cached tokens out, `output_tokens` holds
    thinking, as in Anthropic's usage object."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All that was read, cached or not: what price tiers are chosen by."""
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.output_tokens


NO_USAGE: Final = Usage()
