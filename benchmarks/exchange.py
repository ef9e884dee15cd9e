"""One connection of the load generator: a request out, and what its answer was like."""

import asyncio
import time
from dataclasses import dataclass
from typing import cast

import httptools

KEPT_BYTES = 400


@dataclass(frozen=True, slots=True)
class Sample:
    """An answer: how long it took, until its first byte and in all, and how it ended."""

    status: int
    seconds: float
    first_byte_seconds: float
    longest_gap_seconds: float
    events: int
    tail: bytes


class Exchange(asyncio.Protocol):
    """HTTP/1.1 with keep-alive; one request at a time."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Sample] | None = None
        self._tail = b""
        self._events = 0
        self._asked = self._first = self._last = self._gap = 0.0
        self.closed = False
        self.all_events = 0

    @classmethod
    async def opened(cls, address: tuple[str, int], mark: bytes) -> "Exchange":
        loop = asyncio.get_running_loop()
        _, exchange = await loop.create_connection(lambda: cls(mark), *address)
        return exchange

    def ask(self, head: bytes, body: bytes) -> "asyncio.Future[Sample]":
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        self._tail, self._events, self._first, self._gap = b"", 0, 0.0, 0.0
        self._asked = time.perf_counter()
        self._transport.write(head + body)
        return self._answer

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own does not inherit it

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._answer and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("closed within an answer"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._transport.abort()
            self.connection_lost(ConnectionResetError(str(error)))

    def on_body(self, body: bytes) -> None:
        now = time.perf_counter()
        if self._first:
            self._gap = max(self._gap, now - self._last)
        else:
            self._first = now
        self._last = now
        if self._mark:
            # A mark that was cut in two lies across the end of what came before.
            overlap = self._tail[1 - len(self._mark) :] if len(self._mark) > 1 else b""
            seen = (overlap + body).count(self._mark)
            self._events += seen
            self.all_events += seen
        self._tail = (self._tail + body)[-KEPT_BYTES:]

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        if not self._parser.should_keep_alive():
            self._transport.close()
            self.closed = True
        if self._answer is None or self._answer.done():
            return
        self._answer.set_result(
            Sample(
                status=self._parser.get_status_code(),
                seconds=now - self._asked,
                first_byte_seconds=(self._first or now) - self._asked,
                longest_gap_seconds=self._gap,
                events=self._events,
                tail=self._tail,
            )
        )
