"""The end of a request that never began: who asked for what, and why it was refused."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.catalog.model import Target
from app.core.guardrail import NO_UNITS
from app.core.tasks import Background
from app.core.time import Clock
from app.core.usage import Usage
from app.errors import GatewayError
from app.formats.collector import MessageCollector
from app.formats.events import Event
from app.formats.meter import Meter
from app.identity.policy import Caller
from app.inference.admission import Admission
from app.inference.request import InferenceRequest
from app.inference.reservation import Reservation
from app.ledger.record import (
    AttemptNote,
    Conversation,
    Ending,
    Outcome,
    OutcomeSink,
    Settlement,
    Standing,
)
from app.ledger.settling import Settler


def refused(
    request: InferenceRequest,
    dialect: str,
    caller: Caller | None,
    target: Target | None,
    error: GatewayError,
    seconds: float,
) -> Outcome:
    """After so many seconds; with as much as was known by then."""
    key = caller.key if caller else None
    return Outcome(
        request_id=request.id,
        started_at=request.received_at,
        dialect=dialect,
        route=request.route,
        status=error.status,
        ending=None,
        error_code=error.code,
        key_id=key.id if key else None,
        key_alias=key.alias if key else None,
        key_name=key.name if key else None,
        user_id=key.user_id if key else None,
        asked_model=target.model.name if target else None,
        bedrock_id=target.profile.bedrock_id if target else None,
        stream=False,
        usage=Usage(),
        cost=Decimal(0),
        estimated=False,
        latency_seconds=seconds,
        ttfb_seconds=None,
        upstream_seconds=0,
        upstream_request_id=None,
        session_id=request.session_id,
        client=request.client,
        agent=request.agent,
        tags=request.tags,
        guardrail=False,
    )


class Bill:
    """Watches one request and closes its account."""

    def __init__(
        self,
        request: InferenceRequest,
        caller: Caller,
        target: Target,
        reservation: Reservation,
        *,
        dialect: str,
        stream: bool,
        parameters: Mapping[str, Any],
        remembered: bytes | None,
        meter: Meter,
        admission: Admission,
        settler: Settler,
        sink: OutcomeSink,
        background: Background,
        clock: Clock,
    ) -> None:
        self._request = request
        self._caller = caller
        self.target = target
        """The model, by the profile that answers; another one after a failover."""
        self._dialect = dialect
        self.stream = stream
        """Whether the client gets the answer in pieces, after a status of 200."""
        self._admission = admission
        self._settler = settler
        self._sink = sink
        self._background = background
        self._clock = clock
        self._booked: asyncio.Event | None = None
        self._ttfb: float | None = None
        self._admitted = clock.monotonic()
        self._parameters = parameters
        self._attempts: list[AttemptNote] = []
        self._remembered = remembered
        self._collector = None if remembered is None else MessageCollector(meter)
        self.answer: Mapping[str, Any] | None = None
        """The whole message, where it did not come in pieces."""
        self.reservation = reservation
        self._prompt_tokens = reservation.likely_input
        self.meter = meter
        meter.expected_prompt = self._prompt_tokens
        meter.most_output = reservation.max_tokens
        self.upstream_request_id: str | None = None

    @property
    def settled(self) -> bool:
        """Whether the end has been told, if not yet booked."""
        return self._booked is not None

    def note(self, target: Target, began: float, error: GatewayError | None) -> None:
        """Bedrock was called, from then on (monotonic) until now."""
        self._attempts.append(
            AttemptNote(
                target.profile.bedrock_id,
                began - self._request.received_monotonic,
                self._clock.monotonic() - began,
                error.code if error else None,
            )
        )

    def see(self, event: Event) -> None:
        """An event of the answer came. What cannot be put together is not remembered."""
        if self._collector is None:
            return
        try:
            self._collector.write(event)
        except (LookupError, TypeError, ValueError, AttributeError):
            self._collector = None

    def first_byte(self) -> None:
        """The answer has begun."""
        if self._ttfb is None:
            self._ttfb = self._clock.monotonic() - self._request.received_monotonic

    async def settle(
        self,
        ending: Ending,
        *,
        error: GatewayError | None = None,
        status: int | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Book the usage: the one given, or else the meter's. Only the first call counts, and one
        that is cancelled goes on by itself: hanging up does not lose a bill."""
        if self._booked is None:
            used = usage or self._seen()
            code = status or (error.status if error else 200)
            settlement = self._settlement(ending, used, code, error)
            self._booked = asyncio.Event()
            self._background.start(self._close(settlement, self._booked))
        await self._booked.wait()

    async def fail(self, error: GatewayError, *, status: int | None = None) -> None:
        """Settle a call that failed: at what was seen; at what was held, if an answer may have been
        generated unseen; or at nothing, if Bedrock had not begun."""
        if self.meter.started:
            await self.settle("upstream_failed", error=error, status=status)
        elif error.maybe_billed:
            held = self.reservation.covered
            await self.settle("upstream_failed", error=error, status=status, usage=held)
        else:
            await self.settle("upstream_rejected", error=error, status=status)

    def _seen(self) -> Usage:
        """The meter's usage; if Bedrock said nothing of the prompt, with what it was held to be."""
        usage = self.meter.usage
        if usage.prompt_tokens or self.meter.intervened or not self.meter.started:
            return usage
        return replace(usage, input_tokens=self._prompt_tokens)

    async def _close(self, settlement: Settlement, booked: asyncio.Event) -> None:
        self.reservation.close()
        upstream_seconds = self._clock.monotonic() - self._admitted
        if self.meter.exact and self.target.profile.bedrock_id == self.reservation.hold.bedrock_id:
            self._admission.learn(self.reservation, settlement.usage)
        spent: Sequence[Decimal] = ()
        try:
            spent = await self._settler.settle(settlement)
        finally:
            self._admission.closed(self._request.id)
            booked.set()
            await asyncio.sleep(0)  # the answer goes out before it is told of
            self._sink.record(self._outcome(settlement, spent, upstream_seconds))

    def _settlement(
        self, ending: Ending, usage: Usage, status: int, error: GatewayError | None
    ) -> Settlement:
        hold = self.reservation.hold
        units = NO_UNITS if ending == "upstream_rejected" else self.meter.guardrail_units
        steps = self.meter.steps(usage)
        cost = self.target.cost(usage, hold.started_at.date(), units, steps)
        return Settlement(
            request_id=hold.request_id,
            started_at=hold.started_at,
            finished_at=self._clock.now(),
            key_id=hold.key_id,
            user_id=hold.user_id,
            dialect=self._dialect,
            model=hold.model,
            bedrock_id=self.target.profile.bedrock_id,
            accounts=hold.accounts,
            usage=usage,
            cost=cost.total,
            parts=cost,
            estimated=ending != "upstream_rejected" and not self.meter.exact,
            ending=ending,
            status=status,
            stream=self.stream,
            ttfb_ms=None if self._ttfb is None else round(self._ttfb * 1000),
            latency_ms=round(self._latency * 1000),
            upstream_request_id=self.upstream_request_id,
            session_id=self._request.session_id,
            agent=self._request.agent,
            client=self._request.client,
            tags=tuple(dict.fromkeys((*self._caller.key.tags, *self._request.tags))),
            error_code=error.code if error else None,
        )

    @property
    def _latency(self) -> float:
        return self._clock.monotonic() - self._request.received_monotonic

    def _outcome(
        self, settled: Settlement, spent: Sequence[Decimal], upstream_seconds: float
    ) -> Outcome:
        key = self._caller.key
        return Outcome(
            request_id=self._request.id,
            started_at=self._request.received_at,
            dialect=self._dialect,
            route=self._request.route,
            status=settled.status,
            ending=settled.ending,
            error_code=settled.error_code,
            key_id=key.id,
            key_alias=key.alias,
            key_name=key.name,
            user_id=key.user_id,
            asked_model=self.target.model.name,
            bedrock_id=settled.bedrock_id,
            stream=self.stream,
            usage=settled.usage,
            cost=settled.cost,
            estimated=settled.estimated,
            latency_seconds=self._latency,
            ttfb_seconds=self._ttfb,
            upstream_seconds=upstream_seconds,
            upstream_request_id=self.upstream_request_id,
            session_id=self._request.session_id,
            client=self._request.client,
            agent=settled.agent,
            tags=settled.tags,
            guardrail=self.meter.intervened,
            budgets=tuple(
                Standing(account, usd, Decimal(0))
                for account, usd in zip(settled.accounts, spent, strict=False)
                if account.watched
            ),
            parts=settled.parts,
            cache_as_input=self.target.cache_as_input(settled.usage, settled.started_at.date()),
            attempts=tuple(self._attempts),
            parameters=self._parameters,
            conversation=self._conversation(),
        )

    def _conversation(self) -> Conversation | None:
        if self._remembered is None:
            return None
        answer = self.answer
        if answer is None and self._collector is not None and self.meter.started:
            answer = self._collector.message
        return Conversation(self._remembered, answer)
