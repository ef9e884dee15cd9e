"""Admits a request if every budget pays for what it may cost before anybody can stop it.

What Bedrock bills unseen is reserved in full: the prompt, at an upper bound; an answer that comes
in one piece; thinking, which is billed but not shown. Only text that is watched while it streams is
reserved slice by slice (ADR 38).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from copy import copy
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Final

from app.catalog.model import Target
from app.core.ids import InstanceId, KeyId, RequestId
from app.core.time import Clock
from app.core.usage import Usage
from app.errors import BudgetExceeded, GatewayError, RateLimited
from app.identity.policy import Accounts, Caller, check_model, limits_of
from app.inference.estimates import OutputForecast, compacts
from app.inference.known_prompts import KnownPrompts, Prefix, prefixes
from app.inference.limits import budget_refusal, limit_refusal
from app.inference.request import InferenceRequest
from app.inference.reservation import Demand, Quote, Quotes, Reservation
from app.ledger.record import BudgetRejection, Grant, Ledger, RateLimitRejection, ReserveRequest

TIGHT: Final = 20
"""Prompts are learnt where a budget has less left than this many of them at their upper bound."""

LARGE_BODY: Final = 256_000

REFUSED_SECONDS: Final = 1

KEYS_REMEMBERED: Final = 10_000

CountTokens = Callable[[str, Target, bytes], Awaitable[int | None]]
"""Tokens of an InvokeModel body for an owner, as Bedrock counts them; None where it does not."""


class Admission:
    """Decides who may go on. The ledger decides about money; this asks it the right questions."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        forecast: OutputForecast,
        prompts: KnownPrompts,
        count_tokens: CountTokens,
        *,
        instance: InstanceId,
        clock: Clock,
        contact: str | None,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._forecast = forecast
        self._prompts = prompts
        self._count_tokens = count_tokens
        self._instance = instance
        self._clock = clock
        self._contact = contact
        self._refused: dict[KeyId, tuple[GatewayError, float]] = {}
        self.open_requests: set[RequestId] = set()
        """Those admitted and not yet settled."""

    def refuse_again(self, caller: Caller, body_bytes: int) -> None:
        """Raise what this key was refused with a moment ago, before a large body is read."""
        error, until = self._refused.get(caller.key.id, (None, 0.0))
        if error is not None and body_bytes > LARGE_BODY and until > self._clock.monotonic():
            raise copy(error)

    async def admit(self, request: InferenceRequest, caller: Caller, demand: Demand) -> Reservation:
        """Reserve what the call may cost unseen.

        Raises ModelNotAllowed, RateLimited, BudgetExceeded, BudgetHeld or DatabaseUnavailable.
        """
        model = demand.target.model
        check_model(caller, demand.target)
        first = self._forecast.first_slice(caller.key.id, model.name, demand.max_tokens)
        accounts = self._accounts.of(caller, model.name, request.received_at)
        limits = limits_of(caller, model)

        def hold(quote: Quote) -> ReserveRequest:
            return ReserveRequest(
                request_id=request.id,
                owner=self._instance,
                started_at=request.received_at,
                key_id=caller.key.id,
                user_id=caller.key.user_id,
                model=model.name,
                bedrock_id=demand.target.profile.bedrock_id,
                accounts=accounts,
                amount=quote.amount,
                spare=quote.spare,
                grows=False,
                limits=limits,
                tokens=demand.input.likely + first,
            )

        self.open_requests.add(request.id)
        try:
            quotes = Quotes(demand, request.received_at.date(), first)
            return await self._reserve(hold, demand, quotes, caller.owner)
        except BaseException:
            self.open_requests.discard(request.id)
            raise

    def closed(self, request_id: RequestId) -> None:
        """The request is settled, or will be by what is kept of its settlement."""
        self.open_requests.discard(request_id)

    def learn(self, reservation: Reservation, usage: Usage) -> None:
        """Remember what such a request used, as Bedrock reported it, for the next one."""
        hold = reservation.hold
        self._forecast.learn(hold.key_id, hold.model, usage.output_tokens)
        self._prompts.learn(reservation.prompt, usage)

    async def _reserve(
        self, hold: Callable[[Quote], ReserveRequest], demand: Demand, quotes: Quotes, owner: str
    ) -> Reservation:
        quote = quotes.generous()
        asked = hold(quote)
        answer = await self._ledger.hold(asked)
        needed = quote.amount
        prompt: tuple[Prefix, ...] = ()
        if isinstance(answer, BudgetRejection):
            needed = quotes.cheapest
            prompt = await self._prompt(demand) if needed <= _room(answer) else ()
            async for usage, cached in self._estimates(owner, demand, prompt):
                needed = quotes.least(usage)
                closer = quotes.fitting(usage, _room(answer))
                if closer is None:
                    continue
                # A cache read is likely, not certain: nobody else may count on the rest.
                quote = replace(closer, amount=_room(answer)) if cached else closer
                asked = hold(quote)
                answer = await self._ledger.hold(asked)
                if not isinstance(answer, BudgetRejection):
                    break
        if not isinstance(answer, Grant):
            raise self._refusal(answer, asked, needed)
        if not prompt and answer.left is not None and answer.left < TIGHT * quote.amount:
            prompt = await self._prompt(demand) if answer.left < TIGHT * quotes.prompt else ()
        return Reservation(
            self._ledger,
            asked,
            demand.pricing,
            quote.usage,
            grant=answer,
            max_tokens=quote.max_tokens or quotes.most_output,
            likely_input=demand.input.likely,
            lowered_max_tokens=quote.max_tokens,
            prompt=prompt,
        )

    async def _prompt(self, demand: Demand) -> tuple[Prefix, ...]:
        if compacts(demand.body):
            return ()  # what is billed is not the prompt alone
        work = partial(prefixes, demand.target, demand.body)
        large = len(demand.encoded) > LARGE_BODY
        return tuple(await asyncio.to_thread(work) if large else work())

    async def _estimates(
        self, owner: str, demand: Demand, prompt: tuple[Prefix, ...]
    ) -> AsyncIterator[tuple[Usage, bool]]:
        """Upper bounds for the prompt, each closer than the one before, and whether it relies on
        the prompt cache."""
        tokens = demand.input.most
        yield demand.input.usage(tokens), False
        if not prompt:
            return
        known = self._prompts.find(prompt)
        counted = await self._count_tokens(owner, demand.target, demand.encoded)
        closer = min(tokens, counted or tokens, known.tokens if known else tokens)
        if closer < tokens:
            yield demand.input.usage(closer), False
        if known and known.cached:
            yield demand.input.usage(max(closer, known.cached), known.cached), True

    def _remember(self, error: GatewayError, key: KeyId) -> None:
        if isinstance(error, BudgetExceeded | RateLimited):
            self._refused.pop(key, None)
            # A copy has no traceback, whose frames hold the body.
            self._refused[key] = copy(error), self._clock.monotonic() + REFUSED_SECONDS
            if len(self._refused) > KEYS_REMEMBERED:
                del self._refused[next(iter(self._refused))]

    def _refusal(
        self, refusal: BudgetRejection | RateLimitRejection, hold: ReserveRequest, needed: Decimal
    ) -> GatewayError:
        """The error to raise, remembered for the key. No frame that raises it may name it: that
        would be a cycle, which keeps the request in memory."""
        error: GatewayError
        if isinstance(refusal, RateLimitRejection):
            error = limit_refusal(refusal, hold.tokens, contact=self._contact)
        else:
            now = self._clock.now()
            error = budget_refusal(refusal, needed, now=now, contact=self._contact)
        self._remember(error, hold.key_id)
        return error


def _room(refusal: BudgetRejection) -> Decimal:
    """USD that the account which refused has left."""
    return (refusal.account.cap or Decimal(0)) - refusal.spent - refusal.held
