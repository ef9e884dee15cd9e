"""What one admitted request has reserved. It is extended ahead of the answer, slice by slice."""

import asyncio
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from app.catalog.model import Target
from app.core.json_fields import JsonObject
from app.core.pricing import NOTHING
from app.core.usage import Usage
from app.errors import DatabaseUnavailable
from app.formats.meter import Meter
from app.inference.estimates import FIRST_SLICE, SLICE, InputEstimate
from app.inference.known_prompts import Prefix
from app.ledger.record import Grant, Ledger, ReserveRequest

CROWD: Final = 50
"""Too much is given back at once where as many such requests would use up a budget."""


class Reservation:
    """Reserved money, and what it pays for."""

    def __init__(
        self,
        ledger: Ledger,
        hold: ReserveRequest,
        pricing: Target,
        covered: Usage,
        *,
        grant: Grant,
        max_tokens: int,
        likely_input: int,
        lowered_max_tokens: int | None = None,
        prompt: tuple[Prefix, ...] = (),
    ) -> None:
        """`max_tokens` is the most output that Bedrock may generate for the call."""
        self._ledger = ledger
        self._pricing = pricing
        self._left = grant.left
        self.grant = grant
        self._asking: asyncio.Task[bool] | None = None
        self._refused = False
        self._input_known = False
        self.hold = hold
        self.covered = covered
        """The usage that is reserved."""
        self.max_tokens = max_tokens
        self.lowered_max_tokens = lowered_max_tokens
        """A limit below the one that the client asked for, where the budget pays for no more."""
        self.likely_input = likely_input
        """Tokens of the prompt, where Bedrock does not say."""
        self.prompt = prompt
        """What is to be learnt from the answer's usage; empty where budgets are ample."""

    @property
    def whole(self) -> bool:
        """Whether all that the call can cost is reserved, so that nobody need watch it."""
        return self.covered.output_tokens >= self.max_tokens

    async def covers(self, meter: Meter) -> bool:
        """Whether the answer may go on. Asks for more when a quarter of what is reserved is left,
        and waits for the ledger's answer only when all of it is used.

        Raises DatabaseUnavailable when there is no answer.
        """
        used = meter.output_tokens
        if self._refused:
            return used < self.covered.output_tokens
        if self._asking is None and self._should_ask(meter, used):
            self._asking = asyncio.create_task(self._extend(meter.usage))
        if self._asking is None:
            return True
        if used < self.covered.output_tokens and not self._asking.done():
            return True
        asked, self._asking = self._asking, None
        self._refused = not await asked and not self.whole
        return not self._refused or used < self.covered.output_tokens

    def close(self) -> None:
        """No more is needed; an unanswered question is dropped."""
        asked, self._asking = self._asking, None
        if asked is not None and not asked.cancel() and not asked.cancelled():
            asked.exception()  # an answer that came too late to matter

    def _should_ask(self, meter: Meter, used: int) -> bool:
        if not self.whole and used > self.covered.output_tokens * 3 // 4:
            return True
        if self._input_known or not meter.started:
            return False
        self._input_known = True
        known = replace(meter.usage, output_tokens=self.covered.output_tokens)
        excess = self.hold.amount - self._cost(known)
        tolerated = self._cost(Usage(output_tokens=SLICE // 2))
        if excess < 0:
            return -excess > tolerated
        return self._left is not None and excess > tolerated and CROWD * excess > self._left

    async def _extend(self, used: Usage) -> bool:
        """Whether the ledger reserved what is used and one slice more."""
        output = max(used.output_tokens + SLICE, self.covered.output_tokens)
        wanted = replace(used, output_tokens=min(output, self.max_tokens))
        hold = replace(self.hold, amount=self._cost(wanted), spare=Decimal(0), grows=True)
        try:
            refused = not isinstance(await self._ledger.hold(hold), Grant)
        except DatabaseUnavailable:
            if self._left is not None:
                raise
            refused = False
        if not refused:
            self.hold, self.covered = hold, wanted
        return not refused

    def _cost(self, usage: Usage) -> Decimal:
        return self._pricing.cost(usage, self.hold.started_at.date()).total


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
