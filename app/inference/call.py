"""One call of a model, from its credentials to its settlement: `Call.run` is all of it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from app.core import exact_json
from app.core.fairness import Taken
from app.core.json_fields import JsonObject
from app.errors import GatewayError, InternalError, UpstreamBroke, UpstreamOverloaded
from app.formats.collector import MessageCollector
from app.formats.events import Event
from app.formats.format import ApiFormat, FrameWriter
from app.formats.meter import Meter
from app.identity.policy import Caller
from app.inference.accounting import Accounting, End, rejected
from app.inference.client import Client
from app.inference.inference import Inference
from app.inference.limits import notices
from app.inference.request import InferenceRequest, ParsedRequest, prepare, with_max_tokens
from app.inference.reservation import Demand
from app.upstream.upstream import UpstreamStream, open_stream

log = logging.getLogger(__name__)

UNREADABLE: Final = "Bedrock sent an event that cannot be read."

STOPPING: Final = "The gateway is being restarted; try again."

CATCH_UP_SECONDS: Final = 0.05
"""For events that Bedrock sent while the ledger was asked."""

LAST_FRAME_SECONDS: Final = 0.5
LAST_READS_SECONDS: Final = 4
"""When the gateway stops: to tell the client, and to read on for the exact bill."""


class Call:
    """Answers one request and makes exactly one record of it."""

    def __init__(
        self,
        shared: Inference,
        request: InferenceRequest,
        api_format: ApiFormat,
        client: Client,
        *,
        stream_headers: Mapping[str, str],
        error_response: Callable[[GatewayError], Response],
    ) -> None:
        self._shared = shared
        self._request = request
        self._format = api_format
        self._client = client
        self._stream_headers = stream_headers
        self._error_response = error_response
        self._caller: Caller | None = None
        self._prepared: ParsedRequest | None = None
        self._room = Taken.nothing()
        self._upstream: UpstreamStream | None = None
        self._unreadable: UpstreamBroke | None = None
        self._drain: asyncio.Timeout | None = None
        """Ends the reading on for a client that has hung up."""
        self._accounting: Accounting
        self._writer: FrameWriter

    async def run(self) -> None:
        """Raises only for faults of the gateway itself; they are recorded all the same."""
        try:
            await self._run()
        finally:
            self._room.give_back()
            self._client.close()
            if self._upstream is not None:
                await self._upstream.close()

    async def _run(self) -> None:
        try:
            prepared = await self._admit()
        except GatewayError as error:
            self._reject(error)
            await self._client.respond(self._error_response(error))
            return
        except BaseException:
            self._reject(InternalError(""))
            raise
        accounting = self._accounting
        reserved = accounting.reservation.covered
        end = End("upstream_failed", InternalError(""), usage=reserved)  # unless it is known better
        try:
            if prepared.stream or not accounting.reservation.whole:
                end = await self._relay(prepared)
            else:
                end = await self._invoke(prepared)
        except GatewayError as error:
            end = await self._failed(error)
        except asyncio.CancelledError:
            end = await self._stopped()
            raise
        finally:
            await self._shared.background.complete(accounting.settle(end))
        await self._send_end(prepared, end)

    async def _admit(self) -> ParsedRequest:
        """Authenticate, read and translate the request, and reserve what it may cost."""
        shared, request = self._shared, self._request
        await shared.pacer.turn()
        caller = self._caller = await shared.authenticator.caller(request.credentials)
        shared.admission.refuse_again(caller, request.body_bytes)
        self._room = await shared.intake.room(caller.owner, request.body_bytes)
        body = await request.read()
        self._room.give_back(keep=len(body))
        prepared = self._prepared = await shared.intake.read(
            caller.owner,
            body,
            partial(prepare, request, body, caller, self._format, shared.catalog, shared.guardrail),
        )
        request = self._request = request.tagged(prepared.asked)
        reservation = await shared.admission.admit(
            request,
            caller,
            Demand(
                prepared.target,
                shared.attempts.dearest(prepared.target),
                prepared.wanted,
                prepared.attempt.encoded,
                prepared.input,
                prepared.max_tokens,
                stream=prepared.stream,
                thinks=prepared.thinks,
            ),
        )
        if (limit := reservation.lowered_max_tokens) is not None:
            prepared.attempt = prepared.attempt.changed(
                lambda wanted: with_max_tokens(wanted, limit)
            )
        self._accounting = Accounting(
            request,
            caller,
            prepared.target,
            reservation,
            api_format=self._format.name,
            stream=prepared.stream,
            parameters=prepared.parameters,
            captured=body if shared.captures else None,
            meter=Meter(one_hour_cache=prepared.input.cache_ttl == "1h"),
            admission=shared.admission,
            settler=shared.settler,
            sink=shared.sink,
            clock=shared.clock,
        )
        return prepared

    async def _invoke(self, prepared: ParsedRequest) -> End:
        """An answer that Bedrock sends at once. All that it can cost is reserved."""
        accounting = self._accounting
        prepared.drop_parsed()
        completion, accounting.target = await self._shared.attempts.make(
            prepared.attempt, self._shared.upstream.invoke, accounting.attempted
        )
        accounting.upstream_request_id = completion.upstream_request_id
        try:
            message: dict[str, Any] = exact_json.loads(completion.body)
            accounting.meter.see_whole(message, len(completion.body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            accounting.meter.see_headers(completion.headers)
            raise UpstreamBroke("Bedrock sent an answer that cannot be read.") from error
        if not accounting.meter.exact:
            accounting.meter.see_headers(completion.headers)
        return End("completed", message=message)

    async def _relay(self, prepared: ParsedRequest) -> End:
        """A stream: passed on, or collected where only a stream can be ended by the budget. After
        the client has disconnected, it is read to its end for the exact bill."""
        client, accounting = self._client, self._accounting
        meter = accounting.meter
        self._begin(prepared)
        try:
            async with asyncio.timeout(None) as self._drain:
                events = await self._open(prepared)
                while True:
                    frames, last = self._frames(events)
                    if prepared.stream:
                        await client.write(frames)
                    if meter.finished:
                        break
                    if not await accounting.reservation.covers(meter):
                        return await self._cut()
                    events = await self._read()
        except TimeoutError:
            if not client.disconnected:
                raise
            return accounting.disconnected(accounting.most_usage())
        finally:
            self._drain = None
        if client.disconnected:
            return accounting.disconnected()
        if self._unreadable is not None:
            raise self._unreadable
        return End("completed", last=last, message=self._collected())

    def _begin(self, prepared: ParsedRequest) -> None:
        """Choose what becomes of the events; nothing is sent yet."""
        shared, meter = self._shared, self._accounting.meter
        if not prepared.stream:
            self._writer = MessageCollector(meter)
        else:
            self._writer = self._format.writer(
                prepared.asked, meter, model=prepared.target.asked, now=shared.clock.now()
            )
            self._client.stream(
                {**self._stream_headers, **self._notices()},
                ping=self._writer.ping,
                start_seconds=shared.timing.first_event_wait,
                ping_seconds=shared.timing.ping,
                on_disconnect=self._limit_drain,
            )
        prepared.drop_parsed()

    def _limit_drain(self) -> None:
        if self._drain is not None:
            seconds = self._shared.timing.drain
            self._drain.reschedule(asyncio.get_running_loop().time() + seconds)

    def _collected(self) -> JsonObject | None:
        """The message of an answer that was streamed only so that the budget could end it."""
        return self._writer.message if isinstance(self._writer, MessageCollector) else None

    async def _open(self, prepared: ParsedRequest) -> list[bytes]:
        """Call Bedrock, and wait for its first events."""
        accounting = self._accounting
        opened, accounting.target = await self._shared.attempts.make(
            prepared.attempt,
            partial(open_stream, self._shared.upstream),
            accounting.attempted,
        )
        self._upstream, events = opened
        prepared.drop_body()
        self._room.give_back()
        accounting.upstream_request_id = self._upstream.upstream_request_id
        accounting.first_byte()
        return events

    async def _read(self) -> list[bytes]:
        """The next events. Raises UpstreamBroke if there are none before the message has ended."""
        events = await self._upstream.read() if self._upstream is not None else []
        if not events:
            raise UpstreamBroke("Bedrock ended the answer in the middle.")
        return events

    def _frames(self, events: list[bytes]) -> tuple[bytes, bytes]:
        """Frames that may go out at once, and those of the end, which wait for the settlement.
        After an event that cannot be read there are none: the client must not take an answer with
        a gap for a complete one."""
        before: list[bytes] = []
        last: list[bytes] = []
        for raw in events:
            event = self._observe(raw)
            if event is None or self._unreadable is not None:
                continue
            try:
                frames = self._writer.write(event)
            except Exception as error:  # noqa: BLE001 - whatever an event does to a writer
                self._note_unreadable(error)
            else:
                (last if self._accounting.meter.finished else before).append(frames)
        return b"".join(before), b"".join(last)

    def _observe(self, raw: bytes) -> Event | None:
        """The event, counted; None for what cannot be read."""
        try:
            event = Event.of(raw)
            self._accounting.observe(event)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._note_unreadable(error)
            return None
        return event

    def _note_unreadable(self, error: Exception) -> None:
        log.warning(UNREADABLE, extra={"reason": type(error).__name__})
        if self._unreadable is None:
            self._unreadable = UpstreamBroke(UNREADABLE)
            self._unreadable.__cause__ = error

    async def _cut(self) -> End:
        """The budget is used up: stop the model, and end the answer as at a token limit. What
        Bedrock has sent while the ledger was asked is counted: it is billed."""
        with suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(CATCH_UP_SECONDS):
                for raw in await self._read():
                    self._observe(raw)
        if self._upstream is not None:
            await self._upstream.close()
        if self._client.disconnected:
            return self._accounting.disconnected()
        if self._unreadable is not None:
            raise self._unreadable
        last = self._writer.cut()
        return End("budget_exhausted", status=200, last=last, message=self._collected())

    async def _failed(self, error: GatewayError) -> End:
        # Its frames hold the body, and the frame of `run` will hold it: a cycle, and so a leak.
        error.__traceback__ = None
        accounting = self._accounting
        if self._client.disconnected:
            unseen = error.maybe_billed and not accounting.meter.started
            return accounting.disconnected(accounting.reservation.covered if unseen else None)
        if self._unreadable is None:
            await self._read_on(CATCH_UP_SECONDS)
        error = self._unreadable or error
        if not self._client.started:
            return accounting.failed(error)
        end = accounting.failed(error, status=200)
        return replace(end, last=self._writer.error(error, self._request.id))

    async def _stopped(self) -> End:
        """The gateway stops: tell the client, and read on for a moment for the exact bill."""
        error, client = UpstreamOverloaded(STOPPING), self._client
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_FRAME_SECONDS):
                if not client.started:
                    await client.respond(self._error_response(error))
                else:
                    await client.finish(self._writer.error(error, self._request.id))
        if self._upstream is None:
            return End("upstream_failed", error, usage=self._accounting.reservation.covered)
        complete = await self._read_on(LAST_READS_SECONDS)
        return self._accounting.disconnected(None if complete else self._accounting.most_usage())

    async def _read_on(self, seconds: float) -> bool:
        """Count what Bedrock still sends; whether that was all, or all that it will send."""
        try:
            async with asyncio.timeout(seconds):
                while self._upstream is not None and not self._accounting.meter.finished:
                    for raw in await self._read():
                        self._observe(raw)
        except (TimeoutError, asyncio.CancelledError):
            return False
        except GatewayError:
            return True
        return True

    async def _send_end(self, prepared: ParsedRequest, end: End) -> None:
        """The last bytes, now that the call is settled."""
        client = self._client
        if end.message is not None:
            body = self._format.whole(
                dict(end.message),
                self._accounting.meter.usage,
                model=prepared.target.asked,
                now=self._shared.clock.now(),
            )
            json_response = Response(body, headers=self._notices(), media_type="application/json")
            await client.respond(json_response)
        elif end.error is not None and not client.started:
            await client.respond(self._error_response(end.error))
        else:
            await client.finish(end.last)

    def _notices(self) -> dict[str, str]:
        grant = self._accounting.reservation.grant
        return notices(grant, self._format.name, self._shared.clock.now())

    def _reject(self, error: GatewayError) -> None:
        seconds = self._shared.clock.monotonic() - self._request.received_monotonic
        target = self._prepared.target if self._prepared else None
        self._shared.sink.record(
            rejected(self._request, self._format.name, self._caller, target, error, seconds)
        )
