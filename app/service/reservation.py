"""What one admitted request has reserved. It is extended ahead of the answer, slice by slice."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Final

from app.domain.ledger import Grant, Hold
from app.domain.models import Target
from app.domain.usage import Usage
from app.errors import DatabaseUnavailable
from app.ports import Ledger
from app.service.estimates import SLICE
from app.service.known_prompts import Prefix
from app.service.metering import Meter

CROWD: Final = 50
"""Too much is given back at once where as many such requests would use up a budget."""


class Reservation:
    """Reserved money, and what it pays for."""

    def __init__(
        self,
        ledger: Ledger,
        hold: Hold,
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
