"""Waiting for what comes again and again, each time for so long and no longer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from app.core.tasks import Background
from app.core.usage import Usage
from app.errors import GatewayError, UpstreamBroke, UpstreamOverloaded
from app.formats.events import Event
from app.formats.format import Writer
from app.inference.bill import Bill
from app.ledger.record import Grant
from app.upstream.upstream import UpstreamStream

Found = TypeVar("Found")


class Silence:
    """What `asyncio.timeout` does, for many waits in a row: one timer for all of them, which is
    moved on only when it rings too early. One for each was an eighth of a slow stream's CPU."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[Any] | None = None
        self._since = 0.0
        self._rang = False

    async def heard(self, coming: Coroutine[Any, Any, Found]) -> Found | None:
        """What comes, or None if nothing has for so long; then `coming` was cancelled. For one task
        at a time."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can wait")
        cancelled_before = task.cancelling()
        self._since, self._waiting, self._rang = self._loop.time(), task, False
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._ring)
        try:
            return await coming
        except asyncio.CancelledError:
            if not self._rang or task.cancelling() > cancelled_before + 1:
                raise  # by somebody else
            return None
        finally:
            self._waiting = None
            if self._rang:
                task.uncancel()

    def close(self) -> None:
        """Nothing is waited for any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        left = self._seconds
        if self._waiting is not None:
            left = self._since + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._ring)
            return
        self._timer = None
        if self._waiting is not None:
            self._rang = True
            self._waiting.cancel()


log = logging.getLogger(__name__)

UNREADABLE: Final = "Bedrock sent an event that cannot be read."

STOPPING: Final = "The gateway is being restarted; try again."

CATCH_UP_SECONDS: Final = 0.05

Opening = asyncio.Task[tuple[UpstreamStream, list[bytes]]]
"""The call being made: its stream, and the first events."""


class StreamedAnswer:
    """Frames to be sent, and what must be done if they cannot be."""

    def __init__(
        self,
        opening: Opening,
        bill: Bill,
        writer: Writer,
        background: Background,
        *,
        request_id: str,
        grant: Grant,
        ping_seconds: float,
        drain_seconds: float,
    ) -> None:
        self._opening: Opening | None = opening
        self._upstream: UpstreamStream | None = None
        self._bill = bill
        self._writer = writer
        self._background = background
        self._request_id = request_id
        self._unreadable: UpstreamBroke | None = None
        self.grant = grant
        self._silence = Silence(ping_seconds)
        self._drain_seconds = drain_seconds

    async def frames(self) -> AsyncIterator[bytes]:
        """Chunks of whole frames; pings fill silence. Ends in order or with an error frame. After
        an event that cannot be read, nothing more is passed on until Bedrock has come to its end:
        the client must not take an answer with a gap for a whole one, and all of it is billed."""
        try:
            while not self._bill.meter.finished:
                events = await self._silence.heard(self._events())
                if events is None:
                    if self._writer.ping:
                        yield self._writer.ping
                    continue
                self._bill.first_byte()
                before_end, end = self._written(events)
                if before_end:
                    yield before_end
                if end is not None:
                    await self._bill.settle("completed")
                    yield end
                elif not await self._bill.reservation.covers(self._bill.meter):
                    yield await self._cut()
                    return
            self._refuse_gap()
        except GatewayError as error:
            if self._unreadable is None:
                await self._catch_up()
            failure = self._unreadable or error
            await self._bill.fail(failure, status=200 if self._bill.stream else None)
            yield self._writer.error(failure, self._request_id)

    @property
    def ended(self) -> bool:
        """Whether the frame that came last is the last one: none follows on the bill."""
        return self._bill.settled

    def stopped(self) -> bytes:
        """The last frame of an answer that the gateway's own end cuts short."""
        return self._writer.error(UpstreamOverloaded(STOPPING), self._request_id)

    async def close(self) -> None:
        """The frames are no longer wanted. What Bedrock still generates is billed all the same."""
        self._silence.close()
        if self._bill.settled:
            await self._hang_up()
        else:
            self._background.start(self._drain(), interruptible=True)

    def _written(self, events: list[bytes]) -> tuple[bytes, bytes | None]:
        """Frames that may go out at once; and the end, if it has come, which waits for the bill."""
        before_end: list[bytes] = []
        end: list[bytes] = []
        for raw in events:
            event = self._observe(raw)
            if event is None or self._unreadable is not None:
                continue
            frames = end if self._bill.meter.finished else before_end
            try:
                frames.append(self._writer.write(event))
            except Exception as error:  # noqa: BLE001 - whatever an event does to a writer
                self._note_unreadable(error)
        complete = end and self._unreadable is None
        return b"".join(before_end), b"".join(end) if complete else None

    def _observe(self, raw: bytes) -> Event | None:
        """The event, counted; None for what cannot be read."""
        try:
            event = Event.of(raw)
            self._bill.meter.observe(event)
            self._bill.see(event)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._note_unreadable(error)
            return None
        return event

    def _refuse_gap(self) -> None:
        """Raises UpstreamBroke if an event could not be read."""
        if self._unreadable is not None:
            raise self._unreadable

    def _note_unreadable(self, error: Exception) -> None:
        log.warning(UNREADABLE, extra={"reason": type(error).__name__})
        if self._unreadable is None:
            self._unreadable = UpstreamBroke(UNREADABLE)
            self._unreadable.__cause__ = error

    async def _events(self) -> list[bytes]:
        """The next events. Raises UpstreamBroke if there are none though the message goes on."""
        if self._opening is not None:
            upstream, events = await asyncio.shield(self._opening)
            self._upstream, self._opening = upstream, None
            self._bill.upstream_request_id = upstream.upstream_request_id
        elif self._upstream is not None:
            events = await self._upstream.read()
        else:
            events = []
        if not events:
            raise UpstreamBroke("Bedrock ended the answer in the middle.")
        return events

    async def _cut(self) -> bytes:
        """The budget is used up: stop the model, and end the answer as at a token limit."""
        await self._hang_up()
        self._refuse_gap()
        await self._bill.settle("budget_exhausted", status=200)
        return self._writer.cut()

    async def _catch_up(self) -> None:
        """Count what Bedrock has sent while the ledger was asked: it is billed, though not read."""
        with suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(CATCH_UP_SECONDS):
                while self._upstream is not None and not self._bill.meter.finished:
                    for raw in await self._events():
                        self._observe(raw)

    async def _hang_up(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if self._upstream is not None:
            await self._upstream.close()

    async def _drain(self) -> None:
        """Read on without a reader, for the exact bill, as long as budget and time allow."""
        meter, reservation = self._bill.meter, self._bill.reservation
        usage: Usage | None = None
        try:
            async with asyncio.timeout(self._drain_seconds):
                while not meter.finished:
                    for raw in await self._events():
                        self._observe(raw)
                    if not await reservation.covers(meter):
                        break
        except (TimeoutError, asyncio.CancelledError):
            usage = self._all_that_is_held()
        except GatewayError as error:
            if error.maybe_billed and not meter.started:
                usage = reservation.covered
        finally:
            await self._bill.settle("client_disconnected", status=499, usage=usage)
            await self._hang_up()

    def _all_that_is_held(self) -> Usage:
        """The best guess at what Bedrock still generates when nobody reads on."""
        meter, covered = self._bill.meter, self._bill.reservation.covered
        if not meter.started:
            return covered
        return meter.usage_with_output(max(covered.output_tokens, meter.output_tokens))
