"""Lets a request in if every budget covers it, and keeps it covered while it runs."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from app.domain.identity import InstanceId, RequestId
from app.domain.keys import Caller
from app.domain.ledger import Grant, Hold, LimitRefusal, Refusal
from app.domain.models import Target
from app.domain.usage import Usage
from app.errors import DatabaseUnavailable, GatewayError
from app.ports import Ledger
from app.service.accounts import Accounts, limits_of
from app.service.clock import Clock
from app.service.estimates import SLICE, OutputForecast
from app.service.metering import Meter
from app.service.permission import check_model
from app.service.refusals import budget_refusal, limit_refusal
from app.service.request import InferenceRequest

UNWATCHED_AT_ONCE = 20
"""So many whole answers that nobody watches grow are thought to be under way on one budget."""


class Admission:
    """Decides who may go on. The ledger decides about money; this asks it the right question."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        forecast: OutputForecast,
        *,
        instance: InstanceId,
        clock: Clock,
        contact: str | None,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._forecast = forecast
        self._instance = instance
        self._clock = clock
        self._contact = contact
        self.open_requests: set[RequestId] = set()
        """Those admitted and not yet settled."""

    async def admit(
        self,
        request: InferenceRequest,
        caller: Caller,
        target: Target,
        *,
        input_tokens: int,
        max_tokens: int,
    ) -> "Reservation":
        """Hold the estimated input and a first slice of output (tokens).

        Raises ModelNotAllowed, RateLimited, BudgetExceeded, BudgetHeld or DatabaseUnavailable.
        """
        check_model(caller, target)
        model = target.model
        first = self._forecast.first_slice(caller.key.id, model.name, max_tokens)
        usage = Usage(input_tokens=input_tokens, output_tokens=first)
        hold = Hold(
            request_id=request.id,
            owner=self._instance,
            started_at=request.received_at,
            key_id=caller.key.id,
            user_id=caller.key.user_id,
            model=model.name,
            bedrock_id=target.profile.bedrock_id,
            accounts=self._accounts.of(caller, model.name, request.received_at),
            amount=target.cost(usage, request.received_at.date()).total,
            grows=False,
            limits=limits_of(caller, model),
            tokens=usage.total_tokens,
        )
        self.open_requests.add(request.id)
        try:
            answer = await self._ledger.hold(hold)
        except BaseException:
            self.open_requests.discard(request.id)
            raise
        if not isinstance(answer, Grant):
            self.open_requests.discard(request.id)
            raise self._error(answer, hold)
        return Reservation(self._ledger, hold, target, usage, grant=answer)

    def closed(self, request_id: RequestId) -> None:
        """The request is settled, or will be by what is kept of its settlement."""
        self.open_requests.discard(request_id)

    def learn(self, hold: Hold, output_tokens: int) -> None:
        """Remember how much such a request produced, for the next one."""
        self._forecast.learn(hold.key_id, hold.model, output_tokens)

    def _error(self, refusal: Refusal | LimitRefusal, hold: Hold) -> GatewayError:
        if isinstance(refusal, LimitRefusal):
            return limit_refusal(refusal, hold.tokens, contact=self._contact)
        return budget_refusal(
            refusal,
            hold.amount,
            now=self._clock.now(),
            contact=self._contact,
        )


class Reservation:
    """What one request holds. It grows slice by slice, ahead of the answer."""

    def __init__(
        self,
        ledger: Ledger,
        hold: Hold,
        target: Target,
        covered: Usage,
        *,
        grant: Grant,
    ) -> None:
        self._ledger = ledger
        self._target = target
        self._left = grant.left
        self.grant = grant
        self._asking: asyncio.Task[bool] | None = None
        self._refused = False
        self._input_known = False
        self.hold = hold
        self.covered = covered
        """The usage that the hold pays for."""

    def affords(self, max_tokens: int) -> bool:
        """Whether so long an answer can be let run unwatched: there is no cap, or the budgets would
        pay for it many times over, so that others who do the same now break none either."""
        if self._left is None:
            return True
        return UNWATCHED_AT_ONCE * self._cost(Usage(output_tokens=max_tokens)) <= self._left

    async def covers(self, meter: Meter) -> bool:
        """Whether the answer may go on. Asks for more when a quarter of what is held is left, and
        waits for the ledger's word only when all of it is used.

        Raises DatabaseUnavailable when the word does not come.
        """
        used = meter.output_tokens
        if self._refused:
            return used < self.covered.output_tokens
        if self._asking is None and self._should_ask(meter, used):
            self._asking = asyncio.create_task(self._grow(meter.usage))
        if self._asking is None:
            return True
        if used < self.covered.output_tokens and not self._asking.done():
            return True
        asked, self._asking = self._asking, None
        self._refused = not await asked
        return not self._refused or used < self.covered.output_tokens

    def close(self) -> None:
        """No more is needed; an unanswered question is dropped."""
        asked, self._asking = self._asking, None
        if asked is not None and not asked.cancel() and not asked.cancelled():
            asked.exception()  # an answer that came too late to matter

    def _should_ask(self, meter: Meter, used: int) -> bool:
        if used > self.covered.output_tokens * 3 // 4:
            return True
        if self._input_known or not meter.started:
            return False
        self._input_known = True
        known = replace(meter.usage, output_tokens=self.covered.output_tokens)
        tolerated = self._cost(Usage(output_tokens=SLICE // 2))
        return abs(self._cost(known) - self.hold.amount) > tolerated

    async def _grow(self, used: Usage) -> bool:
        wanted = replace(
            used, output_tokens=max(used.output_tokens + SLICE, self.covered.output_tokens)
        )
        hold = replace(self.hold, amount=self._cost(wanted), grows=True)
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
        return self._target.cost(usage, self.hold.started_at.date()).total
