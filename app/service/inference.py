"""The path of one request: who asks, for which model, is there money, what does Bedrock say."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from app.catalog.loader import Catalog
from app.domain.keys import Caller
from app.domain.models import Target
from app.domain.outcome import Outcome
from app.domain.usage import Usage
from app.errors import GatewayError, InternalError, UpstreamBroke
from app.ports import Call, OutcomeSink, Upstream, UpstreamStream
from app.service import estimates
from app.service.admission import Admission
from app.service.authentication import Authenticator
from app.service.background import Background
from app.service.bill import Bill
from app.service.clock import Clock
from app.service.dialects import Dialect
from app.service.metering import Meter
from app.service.request import InferenceRequest
from app.service.settling import Settler
from app.service.stream import StreamedAnswer
from app.translate import shape
from app.translate.anthropic_bedrock import to_bedrock
from app.wire.anthropic import JsonObject, parse_usage


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer in one piece, as JSON."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds."""

    first_event_wait: float
    ping: float
    drain: float


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request that has been read: all that is needed to admit and to call."""

    caller: Caller
    target: Target
    asked: JsonObject
    call: Call
    stream: bool
    input_tokens: int
    max_tokens: int
    one_hour_cache: bool


class Inference:
    """Answers requests in either dialect. Every request ends in exactly one Outcome."""

    def __init__(
        self,
        authenticator: Authenticator,
        catalog: Catalog,
        admission: Admission,
        settler: Settler,
        upstream: Upstream,
        sink: OutcomeSink,
        background: Background,
        *,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self._authenticator = authenticator
        self._catalog = catalog
        self._admission = admission
        self._settler = settler
        self._upstream = upstream
        self._sink = sink
        self._background = background
        self._clock = clock
        self._timing = timing

    async def answer(
        self, request: InferenceRequest, dialect: Dialect
    ) -> WholeAnswer | StreamedAnswer:
        """Raises GatewayError while the status can still say so; later errors are in the stream."""
        caller: Caller | None = None
        try:
            caller = await self._authenticator.caller(request.credentials)
            prepared = self._prepare(request, caller, dialect)
            bill = await self._admit(request, dialect, prepared)
        except GatewayError as error:
            self._sink.record(self._refused(request, dialect, caller, error))
            raise
        try:
            if prepared.stream:
                return await self._stream(request, dialect, prepared, bill)
            return await self._whole(dialect, prepared, bill)
        except GatewayError as error:
            if error.maybe_billed:
                await bill.settle("upstream_broke", error=error, usage=bill.reservation.covered)
            await bill.settle("refused", error=error)
            raise
        except BaseException:
            # A fault of ours, or the server stops: what Bedrock has begun will be billed.
            held = bill.reservation.covered
            await bill.settle("upstream_broke", error=InternalError(""), usage=held)
            raise

    def _prepare(self, request: InferenceRequest, caller: Caller, dialect: Dialect) -> _Prepared:
        asked = shape.json_object(request.body)
        target = self._catalog.resolve(shape.text(asked.get("model"), "model"))
        messages = dialect.read(asked)
        body = to_bedrock(messages, request.betas, target.model)
        encoded = orjson.dumps(body)
        return _Prepared(
            caller=caller,
            target=target,
            asked=asked,
            call=Call(target.profile.bedrock_id, encoded),
            stream=shape.flag(asked.get("stream"), "stream"),
            input_tokens=estimates.input_tokens(encoded, body["messages"]),
            max_tokens=body["max_tokens"],
            one_hour_cache=b'"ttl":"1h"' in encoded,
        )

    async def _admit(
        self, request: InferenceRequest, dialect: Dialect, prepared: _Prepared
    ) -> Bill:
        reservation = await self._admission.admit(
            request,
            prepared.caller,
            prepared.target,
            input_tokens=prepared.input_tokens,
            max_tokens=prepared.max_tokens,
        )
        return Bill(
            request,
            prepared.caller,
            prepared.target,
            reservation,
            dialect=dialect.name,
            stream=prepared.stream,
            meter=Meter(one_hour_cache=prepared.one_hour_cache),
            admission=self._admission,
            settler=self._settler,
            sink=self._sink,
            clock=self._clock,
        )

    async def _whole(self, dialect: Dialect, prepared: _Prepared, bill: Bill) -> WholeAnswer:
        completion = await self._upstream.invoke(prepared.call)
        bill.upstream_request_id = completion.upstream_request_id
        try:
            message: dict[str, Any] = orjson.loads(completion.body)
            usage = parse_usage(message["usage"], one_hour_cache=prepared.one_hour_cache)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UpstreamBroke("Bedrock sent an answer that cannot be read.") from error
        bill.meter.finished = True
        await bill.settle("completed", usage=usage)
        body = dialect.whole(message, usage, model=prepared.target.asked, now=self._clock.now())
        return WholeAnswer(body)

    async def _stream(
        self, request: InferenceRequest, dialect: Dialect, prepared: _Prepared, bill: Bill
    ) -> StreamedAnswer:
        """Waits a while for the first event, so that an early failure still gets its status."""
        writer = dialect.writer(
            prepared.asked, bill.meter, model=prepared.target.asked, now=self._clock.now()
        )
        opening = asyncio.create_task(self._open(prepared.call))
        try:
            done, _ = await asyncio.wait({opening}, timeout=self._timing.first_event_wait)
        except BaseException:
            opening.cancel()
            raise
        if done:
            opening.result()
        return StreamedAnswer(
            opening,
            bill,
            writer,
            self._background,
            request_id=request.id,
            ping_seconds=self._timing.ping,
            drain_seconds=self._timing.drain,
        )

    async def _open(self, call: Call) -> tuple[UpstreamStream, list[bytes]]:
        stream = await self._upstream.stream(call)
        try:
            return stream, await stream.read()
        except BaseException:
            await stream.close()
            raise

    def _refused(
        self,
        request: InferenceRequest,
        dialect: Dialect,
        caller: Caller | None,
        error: GatewayError,
    ) -> Outcome:
        return Outcome(
            request_id=request.id,
            dialect=dialect.name,
            route=request.route,
            status=error.status,
            ending=None,
            error_code=error.code,
            key_alias=caller.key.alias if caller else None,
            key_name=caller.key.name if caller else None,
            user_id=caller.key.user_id if caller else None,
            asked_model=None,
            bedrock_id=None,
            stream=False,
            usage=Usage(),
            cost=Decimal(0),
            estimated=False,
            latency_seconds=self._clock.monotonic() - request.received_monotonic,
            ttfb_seconds=None,
            upstream_request_id=None,
            session_id=request.session_id,
            client=request.client,
        )
