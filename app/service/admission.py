"""Admits a request if every budget pays for what it may cost before anybody can stop it.

What Bedrock bills unseen is reserved in full: the prompt, at an upper bound; an answer that comes
in one piece; thinking, which is billed but not shown. Only text that is watched while it streams is
reserved slice by slice (ADR 38).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Final

from app.domain.identity import InstanceId, KeyId, RequestId
from app.domain.keys import Caller
from app.domain.ledger import Grant, Hold, LimitRefusal, Refusal
from app.domain.models import Target
from app.domain.usage import Usage
from app.errors import BudgetExceeded, GatewayError, RateLimited
from app.ports import Ledger
from app.service.accounts import Accounts, limits_of
from app.service.clock import Clock
from app.service.estimates import FIRST_SLICE, InputEstimate, OutputForecast, compacts
from app.service.known_prompts import KnownPrompts, Prefix, prefixes
from app.service.permission import check_model
from app.service.refusals import budget_refusal, limit_refusal
from app.service.request import InferenceRequest
from app.service.reservation import Reservation
from app.wire.anthropic import JsonObject

SPARE: Final = 19
"""An answer in one piece is reserved in full where as many more would fit: it must not take the
room of others. Elsewhere it is streamed from Bedrock, so that slices do."""

SHARE: Final = 4
"""Where the whole of a thinking answer does not fit, it may take a quarter of what is left."""

LEAST_THINKING: Final = 2_048
USEFUL_THINKING: Final = 8_192
"""Output tokens with which an answer that thinks is let go at all, and rather."""

TIGHT: Final = 20
"""Prompts are learnt where a budget has less left than so many of them at their upper bound."""

CHEAPEST_BYTES_PER_TOKEN: Final = 16
"""No prompt has fewer tokens than one for so many bytes."""

LARGE_BODY: Final = 256_000
REFUSED_SECONDS: Final = 1
KEYS_REMEMBERED: Final = 10_000

CountTokens = Callable[[str, Target, bytes], Awaitable[int | None]]
"""Tokens of an InvokeModel body for an owner, as Bedrock counts them; None where it does not."""


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
class Offer:
    """One way to reserve a call: `amount` USD for `usage`, with `spare` USD left free."""

    usage: Usage
    amount: Decimal
    spare: Decimal = Decimal(0)
    max_tokens: int | None = None
    """A limit below the one that was asked for."""


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
            raise error

    async def admit(self, request: InferenceRequest, caller: Caller, demand: Demand) -> Reservation:
        """Reserve what the call may cost unseen.

        Raises ModelNotAllowed, RateLimited, BudgetExceeded, BudgetHeld or DatabaseUnavailable.
        """
        model = demand.target.model
        check_model(caller, demand.target)
        self.open_requests.add(request.id)
        try:
            return await self._reserve(
                Hold(
                    request_id=request.id,
                    owner=self._instance,
                    started_at=request.received_at,
                    key_id=caller.key.id,
                    user_id=caller.key.user_id,
                    model=model.name,
                    bedrock_id=demand.target.profile.bedrock_id,
                    accounts=self._accounts.of(caller, model.name, request.received_at),
                    amount=Decimal(0),
                    grows=False,
                    limits=limits_of(caller, model),
                ),
                demand,
                caller.owner,
            )
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

    async def _reserve(self, hold: Hold, demand: Demand, owner: str) -> Reservation:
        pricer = _Pricer(demand, hold)
        first = self._forecast.first_slice(hold.key_id, hold.model, demand.max_tokens)
        offer = pricer.generous(first)
        hold = replace(hold, tokens=demand.input.likely + min(first, offer.usage.output_tokens))
        answer = await self._ask(hold, offer)
        needed = offer.amount
        prompt: tuple[Prefix, ...] = ()
        if isinstance(answer, Refusal):
            needed = pricer.cheapest
            prompt = await self._prompt(demand) if needed <= _room(answer) else ()
            async for usage, cached in self._estimates(owner, demand, prompt):
                needed = pricer.least(usage)
                closer = pricer.fitting(usage, _room(answer), first)
                if closer is None:
                    continue
                # A cache read is likely, not certain: nobody else may count on the rest.
                offer = replace(closer, amount=_room(answer)) if cached else closer
                answer = await self._ask(hold, offer)
                if not isinstance(answer, Refusal):
                    break
        if not isinstance(answer, Grant):
            error = self._error(answer, hold, needed)
            self._remember(error, hold.key_id)
            raise error
        if not prompt and answer.left is not None and answer.left < TIGHT * offer.amount:
            prompt = await self._prompt(demand) if answer.left < TIGHT * pricer.prompt else ()
        return Reservation(
            self._ledger,
            replace(hold, amount=offer.amount),
            demand.pricing,
            offer.usage,
            grant=answer,
            max_tokens=offer.max_tokens or pricer.most_output,
            likely_input=demand.input.likely,
            lowered_max_tokens=offer.max_tokens,
            prompt=prompt,
        )

    async def _ask(self, hold: Hold, offer: Offer) -> Grant | Refusal | LimitRefusal:
        return await self._ledger.hold(replace(hold, amount=offer.amount, spare=offer.spare))

    async def _prompt(self, demand: Demand) -> tuple[Prefix, ...]:
        if compacts(demand.body):
            return ()  # what is billed is not the prompt alone
        work = partial(prefixes, demand.target, demand.body)
        large = len(demand.encoded) > LARGE_BODY
        return tuple(await asyncio.to_thread(work) if large else work())

    async def _estimates(
        self, owner: str, demand: Demand, prompt: tuple[Prefix, ...]
    ) -> AsyncIterator[tuple[Usage, bool]]:
        """Upper bounds for the prompt, each closer than the one before, and whether it goes by the
        prompt cache."""
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
            self._refused[key] = error, self._clock.monotonic() + REFUSED_SECONDS
            if len(self._refused) > KEYS_REMEMBERED:
                del self._refused[next(iter(self._refused))]

    def _error(self, refusal: Refusal | LimitRefusal, hold: Hold, needed: Decimal) -> GatewayError:
        if isinstance(refusal, LimitRefusal):
            return limit_refusal(refusal, hold.tokens, contact=self._contact)
        return budget_refusal(refusal, needed, now=self._clock.now(), contact=self._contact)


class _Pricer:
    """Offers for one call, at the prices of the day on which it began."""

    def __init__(self, demand: Demand, hold: Hold) -> None:
        self._demand = demand
        self._day = hold.started_at.date()
        self.most_output = min(demand.max_tokens, demand.target.model.max_output_tokens)

    def generous(self, first: int) -> Offer:
        """What is asked for first: everything, where the answer cannot be watched, or need not."""
        demand = self._demand
        prompt = demand.input.usage(demand.input.most)
        if demand.stream and not demand.thinks:
            usage = replace(prompt, output_tokens=first)
            return Offer(usage, self._cost(usage))
        usage = replace(prompt, output_tokens=self.most_output)
        amount = self._cost(usage)
        if demand.thinks:
            return Offer(usage, amount)
        return Offer(usage, amount, spare=SPARE * (amount - self._cost(prompt)))

    def fitting(self, prompt: Usage, room: Decimal, first: int) -> Offer | None:
        """The call within `room` USD; None if it does not fit."""
        left = room - self._cost(prompt)
        rate = self._cost(replace(prompt, output_tokens=1)) - self._cost(prompt)
        affordable = int(left / rate) if rate else self.most_output
        if not self._demand.thinks:
            for tokens in (first, min(first, FIRST_SLICE)):
                if tokens <= affordable:
                    return self._offer(prompt, tokens)
            return None
        if affordable < min(LEAST_THINKING, self.most_output):
            return None
        share = max(affordable // SHARE, USEFUL_THINKING)
        tokens = min(share, affordable, self.most_output)
        return replace(self._offer(prompt, tokens), max_tokens=tokens)

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

    def _offer(self, prompt: Usage, output_tokens: int) -> Offer:
        usage = replace(prompt, output_tokens=output_tokens)
        return Offer(usage, self._cost(usage))

    def _cost(self, usage: Usage) -> Decimal:
        return self._demand.pricing.cost(usage, self._day).total


def _room(refusal: Refusal) -> Decimal:
    """USD that the account which refused has left."""
    return (refusal.account.cap or Decimal(0)) - refusal.spent - refusal.held
