"""The path of one request: who asks, for which model, is there money, what does Bedrock say."""

import asyncio
from dataclasses import dataclass
from typing import Any

from app.catalog.loader import Catalog
from app.domain.guardrail import Guardrail
from app.domain.keys import Caller
from app.domain.ledger import Grant
from app.errors import GatewayError, InternalError, UpstreamBroke, UpstreamOverloaded
from app.ports import Call, OutcomeSink, Upstream, UpstreamStream
from app.service.admission import Admission
from app.service.attempts import Attempts
from app.service.authentication import Authenticator
from app.service.background import Background
from app.service.bill import Bill
from app.service.clock import Clock
from app.service.collector import MessageCollector
from app.service.dialects import Dialect, Writer
from app.service.metering import Meter
from app.service.outcomes import parameters, refused
from app.service.prepared import Prepared, prepare
from app.service.request import InferenceRequest
from app.service.settling import Settler
from app.service.stream import STOPPING, Opening, StreamedAnswer
from app.wire import exact


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer in one piece, as JSON, and how the budgets stood when it was let in."""

    body: bytes
    grant: Grant


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds."""

    first_event_wait: float
    ping: float
    drain: float


class Inference:
    """Answers requests in either dialect. Every request ends in exactly one Outcome."""

    def __init__(
        self,
        authenticator: Authenticator,
        catalog: Catalog,
        admission: Admission,
        settler: Settler,
        upstream: Upstream,
        attempts: Attempts,
        sink: OutcomeSink,
        background: Background,
        *,
        clock: Clock,
        timing: Timing,
        guardrail: Guardrail | None = None,
        remembers: bool = False,
    ) -> None:
        """`remembers`: whether outcomes are to have what was asked and answered."""
        self._authenticator = authenticator
        self._catalog = catalog
        self._admission = admission
        self._settler = settler
        self._upstream = upstream
        self._attempts = attempts
        self._sink = sink
        self._background = background
        self._clock = clock
        self._timing = timing
        self._guardrail = guardrail
        self._remembers = remembers

    async def answer(
        self, request: InferenceRequest, dialect: Dialect
    ) -> WholeAnswer | StreamedAnswer:
        """Raises GatewayError while the status can still say so; later errors are in the stream."""
        caller: Caller | None = None
        prepared: Prepared | None = None
        try:
            caller = await self._authenticator.caller(request.credentials)
            body = await request.read()
            prepared = prepare(request, body, caller, dialect, self._catalog, self._guardrail)
            request = request.tagged(prepared.asked)
            bill = await self._admit(request, dialect, prepared)
        except GatewayError as error:
            self._refused(request, dialect, caller, prepared, error)
            raise
        except BaseException:
            self._refused(request, dialect, caller, prepared, InternalError(""))
            raise
        try:
            if prepared.stream:
                return await self._stream(request, dialect, prepared, bill)
            if bill.reservation.affords(prepared.max_tokens):
                return await self._whole(dialect, prepared, bill)
            return await self._gathered(request, dialect, prepared, bill)
        except GatewayError as error:
            await bill.fail(error)
            raise
        except asyncio.CancelledError as error:
            stopping = UpstreamOverloaded(STOPPING)
            await self._abandon(bill, stopping)
            raise stopping from error
        except BaseException:
            await self._abandon(bill, InternalError(""))
            raise

    async def _abandon(self, bill: Bill, error: GatewayError) -> None:
        """A fault of ours, or the server stops: what Bedrock has begun will be billed."""
        await bill.settle("upstream_broke", error=error, usage=bill.reservation.covered)

    async def _admit(self, request: InferenceRequest, dialect: Dialect, prepared: Prepared) -> Bill:
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
            parameters=parameters(prepared.wanted.body),
            remembered=prepared.body if self._remembers else None,
            meter=Meter(one_hour_cache=prepared.one_hour_cache),
            admission=self._admission,
            settler=self._settler,
            sink=self._sink,
            background=self._background,
            clock=self._clock,
        )

    async def _whole(self, dialect: Dialect, prepared: Prepared, bill: Bill) -> WholeAnswer:
        completion, bill.target = await self._attempts.make(
            prepared.wanted, self._upstream.invoke, bill.note
        )
        bill.upstream_request_id = completion.upstream_request_id
        try:
            message: dict[str, Any] = exact.loads(completion.body)
            bill.meter.see_whole(message, len(completion.body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            bill.meter.see_headers(completion.headers)
            raise UpstreamBroke("Bedrock sent an answer that cannot be read.") from error
        if not bill.meter.exact:
            bill.meter.see_headers(completion.headers)
        bill.answer = message
        await bill.settle("completed")
        usage = bill.meter.usage
        body = dialect.whole(message, usage, model=prepared.target.asked, now=self._clock.now())
        return WholeAnswer(body, bill.reservation.grant)

    async def _gathered(
        self, request: InferenceRequest, dialect: Dialect, prepared: Prepared, bill: Bill
    ) -> WholeAnswer:
        """Streamed from Bedrock, though wanted whole, so that a tight budget can end it."""
        collector = MessageCollector(bill.meter)
        answer = self._streamed(
            request, bill, collector, asyncio.create_task(self._open(prepared, bill))
        )
        try:
            async for _ in answer.frames():
                pass
        finally:
            await answer.close()
        if collector.failure is not None:
            raise collector.failure
        body = dialect.whole(
            collector.message,
            bill.meter.usage,
            model=prepared.target.asked,
            now=self._clock.now(),
        )
        return WholeAnswer(body, bill.reservation.grant)

    async def _stream(
        self, request: InferenceRequest, dialect: Dialect, prepared: Prepared, bill: Bill
    ) -> StreamedAnswer:
        """Waits a while for the first event, so that an early failure still gets its status."""
        writer = dialect.writer(
            prepared.asked, bill.meter, model=prepared.target.asked, now=self._clock.now()
        )
        opening = asyncio.create_task(self._open(prepared, bill))
        try:
            done, _ = await asyncio.wait({opening}, timeout=self._timing.first_event_wait)
        except BaseException:
            opening.cancel()
            raise
        if done:
            opening.result()
        return self._streamed(request, bill, writer, opening)

    def _streamed(
        self, request: InferenceRequest, bill: Bill, writer: Writer, opening: Opening
    ) -> StreamedAnswer:
        return StreamedAnswer(
            opening,
            bill,
            writer,
            self._background,
            request_id=request.id,
            grant=bill.reservation.grant,
            ping_seconds=self._timing.ping,
            drain_seconds=self._timing.drain,
        )

    async def _open(self, prepared: Prepared, bill: Bill) -> tuple[UpstreamStream, list[bytes]]:
        opened, bill.target = await self._attempts.make(
            prepared.wanted, self._first_events, bill.note
        )
        return opened

    async def _first_events(self, call: Call) -> tuple[UpstreamStream, list[bytes]]:
        stream = await self._upstream.stream(call)
        events: list[bytes] = []
        try:
            events = await stream.read()
        finally:
            if not events:
                await stream.close()
        if not events:
            raise UpstreamBroke("Bedrock ended the answer before it began.")
        return stream, events

    def _refused(
        self,
        request: InferenceRequest,
        dialect: Dialect,
        caller: Caller | None,
        prepared: Prepared | None,
        error: GatewayError,
    ) -> None:
        seconds = self._clock.monotonic() - request.received_monotonic
        target = prepared.target if prepared else None
        self._sink.record(refused(request, dialect.name, caller, target, error, seconds))
