"""What a call is billed, and its one record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.catalog.model import Target
from app.core.guardrail import NO_UNITS
from app.core.json_fields import JsonObject
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


@dataclass(frozen=True, slots=True)
class End:
    """How a call ended."""

    ending: Ending
    error: GatewayError | None = None
    status: int | None = None
    """What the client was sent; by default the status of the error, or 200."""
    usage: Usage | None = None
    """What is billed; by default what the meter saw."""
    last: bytes = b""
    """The last frames of a stream. They go out once the call is settled."""
    message: JsonObject | None = None
    """The answer of a call that is not streamed to the client."""


def rejected(
    request: InferenceRequest,
    api_format: str,
    caller: Caller | None,
    target: Target | None,
    error: GatewayError,
    seconds: float,
) -> RequestRecord:
    """The record of a request that the gateway rejected after `seconds`, with what is known."""
    key = caller.key if caller else None
    return RequestRecord(
        request_id=request.id,
        started_at=request.received_at,
        finished_at=request.received_at + timedelta(seconds=seconds),
        api_format=api_format,
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


class Accounting:
    """Notes what happens in one call, and settles it."""

    def __init__(
        self,
        request: InferenceRequest,
        caller: Caller,
        target: Target,
        reservation: Reservation,
        *,
        api_format: str,
        stream: bool,
        parameters: Mapping[str, Any],
        captured: bytes | None,
        meter: Meter,
        admission: Admission,
        settler: Settler,
        sink: Sink,
        clock: Clock,
    ) -> None:
        """`captured` is the request's body, where content capture is on."""
        self._request = request
        self._caller = caller
        self.target = target
        """The model, by the profile that answers; another one after a failover."""
        self._api_format = api_format
        self._stream = stream
        self._admission = admission
        self._settler = settler
        self._sink = sink
        self._clock = clock
        self._ttfb: float | None = None
        self._admitted = clock.monotonic()
        self._parameters = parameters
        self._attempts: list[UpstreamAttempt] = []
        self._captured = captured
        self._collector = None if captured is None else MessageCollector(meter)
        self.reservation = reservation
        self._prompt_tokens = reservation.likely_input
        self.meter = meter
        meter.expected_prompt = self._prompt_tokens
        meter.most_output = reservation.max_tokens
        self.upstream_request_id: str | None = None

    def attempted(self, target: Target, began: float, error: GatewayError | None) -> None:
        """Bedrock was called, from then on (monotonic) until now."""
        self._attempts.append(
            UpstreamAttempt(
                target.profile.bedrock_id,
                began - self._request.received_monotonic,
                self._clock.monotonic() - began,
                error.code if error else None,
            )
        )

    def observe(self, event: Event) -> None:
        """Count an event of the answer, and capture it. Raises ValueError, KeyError, TypeError or
        AttributeError for one that cannot be read."""
        self.meter.observe(event)
        if self._collector is None:
            return
        try:
            self._collector.write(event)
        except (LookupError, TypeError, ValueError, AttributeError):
            self._collector = None  # what cannot be put together is not captured

    def first_byte(self) -> None:
        """The answer has begun."""
        if self._ttfb is None:
            self._ttfb = self._clock.monotonic() - self._request.received_monotonic

    def failed(self, error: GatewayError, *, status: int | None = None) -> End:
        """The end of a call that failed: billed at what was seen; at what is reserved, if an answer
        may have been generated unseen; or at nothing, if Bedrock had not begun."""
        if self.meter.started:
            return End("upstream_failed", error, status)
        if error.maybe_billed:
            return End("upstream_failed", error, status, self.reservation.covered)
        return End("upstream_rejected", error, status)

    def disconnected(self, usage: Usage | None = None) -> End:
        """The end of a call whose client hung up."""
        return End("client_disconnected", status=499, usage=usage)

    def most_usage(self) -> Usage:
        """The best estimate of what Bedrock still generates when nobody reads on."""
        covered = self.reservation.covered
        if not self.meter.started:
            return covered
        return self.meter.usage_with_output(max(covered.output_tokens, self.meter.output_tokens))

    async def settle(self, end: End) -> None:
        """Record the call in the ledger, the log, metrics and traces."""
        self.reservation.close()
        record = self._record(end)
        if self.meter.exact and record.upstream_model == self.reservation.hold.bedrock_id:
            self._admission.learn(self.reservation, record.usage)
        spent: Sequence[Decimal] = ()
        try:
            spent = await self._settler.settle(record)
        finally:
            self._admission.closed(self._request.id)
            self._sink.record(record, spent)

    def _billed(self) -> Usage:
        """The meter's usage; without a count of the prompt, with what was reserved for it."""
        usage = self.meter.usage
        if usage.prompt_tokens or self.meter.intervened or not self.meter.started:
            return usage
        return replace(usage, input_tokens=self._prompt_tokens)

    def _record(self, end: End) -> RequestRecord:
        usage, error, ending = end.usage or self._billed(), end.error, end.ending
        hold, request, key = self.reservation.hold, self._request, self._caller.key
        day = hold.started_at.date()
        units = NO_UNITS if ending == "upstream_rejected" else self.meter.guardrail_units
        cost = self.target.cost(usage, day, units, self.meter.steps(usage))
        now = self._clock.monotonic()
        return RequestRecord(
            request_id=hold.request_id,
            started_at=hold.started_at,
            finished_at=self._clock.now(),
            api_format=self._api_format,
            route=request.route,
            status=end.status or (error.status if error else 200),
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
            stream=self._stream,
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
            content=self._content(end),
        )

    def _content(self, end: End) -> CapturedContent | None:
        if self._captured is None:
            return None
        answer = end.message
        if answer is None and self._collector is not None and self.meter.started:
            answer = self._collector.message
        return CapturedContent(self._captured, answer)
