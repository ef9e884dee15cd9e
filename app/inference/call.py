"""The path of one request: who asks, for which model, is there money, what does Bedrock say."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.catalog.catalog import Catalog
from app.core import exact_json
from app.core.fairness import Taken
from app.core.guardrail import Guardrail
from app.core.tasks import Background
from app.core.time import Clock
from app.errors import GatewayError, InternalError, UpstreamBroke, UpstreamOverloaded
from app.formats.collector import MessageCollector
from app.formats.format import Dialect, Writer
from app.formats.meter import Meter
from app.identity.authentication import Authenticator
from app.identity.policy import Caller
from app.inference.admission import Admission
from app.inference.bill import Bill, refused
from app.inference.intake import Intake
from app.inference.request import InferenceRequest, Prepared, prepare, with_max_tokens
from app.inference.reservation import Demand
from app.inference.stream import STOPPING, StreamedAnswer
from app.ledger.record import Grant, Sink
from app.ledger.settling import Settler
from app.upstream.routing import Attempt, Attempts
from app.upstream.upstream import Call, Upstream, UpstreamStream


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
    """Answers requests in either dialect. Every request ends in exactly one record."""

    def __init__(
        self,
        authenticator: Authenticator,
        catalog: Catalog,
        intake: Intake,
        admission: Admission,
        settler: Settler,
        upstream: Upstream,
        attempts: Attempts,
        sink: Sink,
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
        self._intake = intake
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
        room = Taken.nothing()
        try:
            caller = await self._authenticator.caller(request.credentials)
            self._admission.refuse_again(caller, request.body_bytes)
            room = await self._intake.room(caller.owner, request.body_bytes)
            body = await request.read()
            room.give_back(keep=len(body))
            prepared = await self._intake.read(
                caller.owner,
                body,
                partial(prepare, request, body, caller, dialect, self._catalog, self._guardrail),
            )
            request = request.tagged(prepared.asked)
            bill = await self._admit(request, dialect, prepared, body)
            del body
        except GatewayError as error:
            room.give_back()
            self._refused(request, dialect, caller, prepared, error)
            raise
        except BaseException:
            room.give_back()
            self._refused(request, dialect, caller, prepared, InternalError(""))
            raise
        try:
            return await self._proceed(request, dialect, prepared, bill, room)
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

    async def _proceed(
        self,
        request: InferenceRequest,
        dialect: Dialect,
        prepared: Prepared,
        bill: Bill,
        room: Taken,
    ) -> WholeAnswer | StreamedAnswer:
        """Call Bedrock. The body's room is given back when Bedrock has begun to answer."""
        stream, asked, attempt = prepared.stream, prepared.target.asked, prepared.attempt
        if not stream and bill.reservation.whole:
            prepared.drop_parsed()
            with room:
                return await self._whole(dialect, asked, attempt, bill)
        writer: Writer = MessageCollector(bill.meter)
        if stream:
            try:
                now = self._clock.now()
                writer = dialect.writer(prepared.asked, bill.meter, model=asked, now=now)
            except BaseException:
                room.give_back()
                raise
        prepared.drop_parsed()
        opening = asyncio.create_task(self._open(attempt, bill))
        opening.add_done_callback(lambda _: room.give_back())
        answer = StreamedAnswer(
            opening,
            bill,
            writer,
            self._background,
            request_id=request.id,
            grant=bill.reservation.grant,
            ping_seconds=self._timing.ping,
            drain_seconds=self._timing.drain,
        )
        if isinstance(writer, MessageCollector):
            return await self._gathered(dialect, asked, answer, writer, bill)
        # An early failure still gets its status.
        try:
            done, _ = await asyncio.wait({opening}, timeout=self._timing.first_event_wait)
        except BaseException:
            opening.cancel()
            raise
        if done:
            opening.result()
        return answer

    async def _abandon(self, bill: Bill, error: GatewayError) -> None:
        """A fault of ours, or the server stops: what Bedrock has begun will be billed."""
        await bill.settle("upstream_failed", error=error, usage=bill.reservation.covered)

    async def _admit(
        self, request: InferenceRequest, dialect: Dialect, prepared: Prepared, body: bytes
    ) -> Bill:
        attempt = prepared.attempt
        reservation = await self._admission.admit(
            request,
            prepared.caller,
            Demand(
                prepared.target,
                self._attempts.dearest(prepared.target),
                prepared.wanted,
                attempt.encoded,
                prepared.input,
                prepared.max_tokens,
                stream=prepared.stream,
                thinks=prepared.thinks,
            ),
        )
        if (limit := reservation.lowered_max_tokens) is not None:
            prepared.attempt = attempt.changed(lambda wanted: with_max_tokens(wanted, limit))
        return Bill(
            request,
            prepared.caller,
            prepared.target,
            reservation,
            dialect=dialect.name,
            stream=prepared.stream,
            parameters=prepared.parameters,
            remembered=body if self._remembers else None,
            meter=Meter(one_hour_cache=prepared.input.cache_ttl == "1h"),
            admission=self._admission,
            settler=self._settler,
            sink=self._sink,
            background=self._background,
            clock=self._clock,
        )

    async def _whole(
        self, dialect: Dialect, asked: str, attempt: Attempt, bill: Bill
    ) -> WholeAnswer:
        completion, bill.target = await self._attempts.make(
            attempt, self._upstream.invoke, bill.note
        )
        bill.upstream_request_id = completion.upstream_request_id
        try:
            message: dict[str, Any] = exact_json.loads(completion.body)
            bill.meter.see_whole(message, len(completion.body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            bill.meter.see_headers(completion.headers)
            raise UpstreamBroke("Bedrock sent an answer that cannot be read.") from error
        if not bill.meter.exact:
            bill.meter.see_headers(completion.headers)
        bill.answer = message
        await bill.settle("completed")
        body = dialect.whole(message, bill.meter.usage, model=asked, now=self._clock.now())
        return WholeAnswer(body, bill.reservation.grant)

    async def _gathered(
        self,
        dialect: Dialect,
        asked: str,
        answer: StreamedAnswer,
        collector: MessageCollector,
        bill: Bill,
    ) -> WholeAnswer:
        """Streamed from Bedrock for a client that does not stream, so that a budget can end it."""
        try:
            async for _ in answer.frames():
                pass
        finally:
            await answer.close()
        if collector.failure is not None:
            raise collector.failure
        body = dialect.whole(
            collector.message, bill.meter.usage, model=asked, now=self._clock.now()
        )
        return WholeAnswer(body, bill.reservation.grant)

    async def _open(self, attempt: Attempt, bill: Bill) -> tuple[UpstreamStream, list[bytes]]:
        opened, bill.target = await self._attempts.make(attempt, self._first_events, bill.note)
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
