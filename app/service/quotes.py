"""What a call may cost, and how much of that is reserved."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from app.domain.models import Target
from app.domain.pricing import NOTHING
from app.domain.usage import Usage
from app.service.estimates import FIRST_SLICE, InputEstimate
from app.wire.anthropic import JsonObject

SPARE: Final = 19
"""An answer in one piece is reserved in full where as many more would fit: it must not take the
room of others. Elsewhere it is streamed from Bedrock, so that slices do."""

SHARE: Final = 4
"""Where the whole of a thinking answer does not fit, it may take a quarter of what is left."""

LEAST_THINKING: Final = 2_048
USEFUL_THINKING: Final = 8_192
"""Output tokens with which an answer that thinks is let go at all, and rather."""

CHEAPEST_BYTES_PER_TOKEN: Final = 16
"""No prompt has fewer tokens than one for each 16 bytes."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a call may use.

    `body` is what Bedrock gets, `encoded` the same as JSON; `pricing` is the most expensive of the
    inference profiles that may answer; `thinks` tells whether output may be billed that is not
    shown.
    """

    target: Target
    pricing: Target
    body: JsonObject
    encoded: bytes
    input: InputEstimate
    max_tokens: int
    stream: bool
    thinks: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """One way to reserve a call: `amount` USD for `usage`, with `spare` USD left free."""

    usage: Usage
    amount: Decimal
    spare: Decimal = NOTHING
    max_tokens: int | None = None
    """A limit below the one that was asked for."""


class Quotes:
    """Quotes for one call, at the prices of the day on which it began."""

    def __init__(self, demand: Demand, day: date, first: int) -> None:
        """`first` is the slice of output that is reserved for an answer that is watched."""
        self._demand = demand
        self._day = day
        self._first = first
        self.most_output = min(demand.max_tokens, demand.target.model.max_output_tokens)

    def generous(self) -> Quote:
        """What is asked for first: everything, where the answer cannot be watched, or need not."""
        demand = self._demand
        watched = demand.stream and not demand.thinks
        usage = demand.input.usage(
            demand.input.most, output_tokens=self._first if watched else self.most_output
        )
        cost = demand.pricing.cost(usage, self._day)
        spare = NOTHING if watched or demand.thinks else SPARE * cost.output
        return Quote(usage, cost.total, spare)

    def fitting(self, prompt: Usage, room: Decimal) -> Quote | None:
        """The call within `room` USD; None if it does not fit."""
        left = room - self._cost(prompt)
        rate = self._cost(replace(prompt, output_tokens=1)) - self._cost(prompt)
        affordable = int(left / rate) if rate else self.most_output
        if not self._demand.thinks:
            for tokens in (self._first, min(self._first, FIRST_SLICE)):
                if tokens <= affordable:
                    return self._quote(prompt, tokens)
            return None
        if affordable < min(LEAST_THINKING, self.most_output):
            return None
        share = max(affordable // SHARE, USEFUL_THINKING)
        tokens = min(share, affordable, self.most_output)
        return replace(self._quote(prompt, tokens), max_tokens=tokens)

    def least(self, prompt: Usage) -> Decimal:
        """USD without which a call with this prompt is not begun."""
        least = LEAST_THINKING if self._demand.thinks else FIRST_SLICE
        return self._cost(replace(prompt, output_tokens=min(least, self.most_output)))

    @property
    def prompt(self) -> Decimal:
        """USD for the prompt at its upper bound."""
        return self._cost(self._demand.input.usage(self._demand.input.most))

    @property
    def cheapest(self) -> Decimal:
        """USD that no such call costs less than."""
        tokens = self._demand.input.text_bytes // CHEAPEST_BYTES_PER_TOKEN
        return self._cost(Usage(cache_read_tokens=tokens, output_tokens=1))

    def _quote(self, prompt: Usage, output_tokens: int) -> Quote:
        usage = replace(prompt, output_tokens=output_tokens)
        return Quote(usage, self._cost(usage))

    def _cost(self, usage: Usage) -> Decimal:
        return self._demand.pricing.cost(usage, self._day).total
