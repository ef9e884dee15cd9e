"""The end of a request that never began: who asked for what, and why it was refused."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
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
from app.ledger.record import CapturedContent, Ending, RequestRecord, Sink, UpstreamAttempt
from app.ledger.settling import Settler


def refused(
    request: InferenceRequest,
    dialect: str,
    caller: Caller | None,
    target: Target | None,
    error: GatewayError,
    seconds: float,
) -> RequestRecord:
    """After so many seconds; with as much as was known by then."""
    key = caller.key if caller else None
    return RequestRecord(
        request_id=request.id,
        started_at=request.received_at,
        finished_at=request.received_at + timedelta(seconds=seconds),
        api_format=dialect,
        route=request.route,
        status=error.status,
        ending=None,
        error_code=error.code,
        key_id=key.id if key else None,
        key_alias=key.alias if key else None,
        key_name=key.name if key else None,
        user_id=key.user_id if key else None,
        model=target.model.name if target else None,
        upstream_model=target.profile.bedrock_id if target else None,
        latency_seconds=seconds,
        session_id=request.session_id,
        agent=request.agent,
        user_agent=request.client,
        tags=request.tags,
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
        sink: Sink,
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
        self._attempts: list[UpstreamAttempt] = []
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
            UpstreamAttempt(
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
            record = self._record(ending, used, code, error)
            self._booked = asyncio.Event()
            self._background.start(self._close(record, self._booked))
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

    async def _close(self, record: RequestRecord, booked: asyncio.Event) -> None:
        self.reservation.close()
        if self.meter.exact and record.upstream_model == self.reservation.hold.bedrock_id:
            self._admission.learn(self.reservation, record.usage)
        spent: Sequence[Decimal] = ()
        try:
            spent = await self._settler.settle(record)
        finally:
            self._admission.closed(self._request.id)
            booked.set()
            await asyncio.sleep(0)  # the answer goes out before it is told of
            self._sink.record(record, spent)

    def _record(
        self, ending: Ending, usage: Usage, status: int, error: GatewayError | None
    ) -> RequestRecord:
        hold, request, key = self.reservation.hold, self._request, self._caller.key
        day = hold.started_at.date()
        units = NO_UNITS if ending == "upstream_rejected" else self.meter.guardrail_units
        cost = self.target.cost(usage, day, units, self.meter.steps(usage))
        now = self._clock.monotonic()
        return RequestRecord(
            request_id=hold.request_id,
            started_at=hold.started_at,
            finished_at=self._clock.now(),
            api_format=self._dialect,
            route=request.route,
            status=status,
            ending=ending,
            error_code=error.code if error else None,
            key_id=hold.key_id,
            key_alias=key.alias,
            key_name=key.name,
            user_id=hold.user_id,
            model=hold.model,
            upstream_model=self.target.profile.bedrock_id,
            upstream_request_id=self.upstream_request_id,
            attempts=tuple(self._attempts),
            stream=self.stream,
            usage=usage,
            cost=cost.total,
            cost_parts=cost,
            estimated=ending != "upstream_rejected" and not self.meter.exact,
            uncached_cost=self.target.cache_as_input(usage, day),
            guardrail=self.meter.intervened,
            latency_seconds=now - request.received_monotonic,
            ttfb_seconds=self._ttfb,
            upstream_seconds=now - self._admitted,
            session_id=request.session_id,
            agent=request.agent,
            user_agent=request.client,
            tags=tuple(dict.fromkeys((*key.tags, *request.tags))),
            counters=hold.accounts,
            parameters=self._parameters,
            content=self._content(),
        )

    def _content(self) -> CapturedContent | None:
        if self._remembered is None:
            return None
        answer = self.answer
        if answer is None and self._collector is not None and self.meter.started:
            answer = self._collector.message
        return CapturedContent(self._remembered, answer)
