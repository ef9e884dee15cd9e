"""One HTTP connection: time-outs, sizes and ambiguous requests."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.errors import GatewayError, HeadTooLarge, InvalidRequest, RequestTimeout
from app.formats.errors import openai_error

HEAD: Final = b"HTTP/1.1 "


class BufferedHead:
    """A transport that holds a head until the next write, or until the loop comes round."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(HEAD):
            self._head = data
            self._loop.call_soon(self._let_go)
            return
        self._transport.write(data)

    def close(self) -> None:
        self._let_go()
        self._transport.close()

    def _let_go(self) -> None:
        if self._head:
            self.write(b"")


LARGEST_HEAD: Final = 64 * 1024

MOST_HEADERS: Final = 256

SLOWEST_BODY: Final = 16 * 1024
"""Bytes a second: a body that comes no slower may take as long as it needs."""

MOST_DISCARDED: Final = 32 * 1024 * 1024
"""Of a body that was answered before its end: a client that is still sending reads the answer only
after it, but must not send forever."""

MOST_FRAMING: Final = 64 * 1024

FRAMING_PER_BYTE: Final = 8
"""Bytes around a body, in all and for each byte of it: sizes of chunks, their extensions, trailers.
The smallest chunk has five for its one byte."""

LOOK_EVERY_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class ConnectionTimeouts:
    """Seconds: for the head of a request, for its body, and for a client that takes nothing of its
    answer."""

    head: float
    body: float
    unread: float


class Connection(HttpToolsProtocol):
    """Notes what it waits for; `look_after` decides when that has taken too long."""

    waiting_since: float | None = None
    """When the part of a request that is not whole yet began; None while nothing is awaited."""
    unread_since: float | None = None
    """Since when nothing of a full buffer has been taken."""
    unread_bytes = 0
    in_body = False
    received = 0
    delivered = 0
    """Bytes of the body alone."""
    refusal: GatewayError | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(BufferedHead(transport, self.loop))  # type: ignore[arg-type]
        self.waiting_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        if self.waiting_since is None:
            self.waiting_since = self.loop.time()
        self.received += len(data)
        super().data_received(data)
        if self.received > LARGEST_HEAD and self.waiting_since is not None and not self.in_body:
            self.refuse(_head_too_large())
        framing = self.received - self.delivered
        if self.in_body and framing > MOST_FRAMING + FRAMING_PER_BYTE * self.delivered:
            self.refuse(InvalidRequest("The chunks of the body have more framing than content."))

    def on_body(self, body: bytes) -> None:
        self.delivered += len(body)
        super().on_body(body)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.waiting_since, self.in_body = self.loop.time(), False

    def on_headers_complete(self) -> None:
        if len(self.headers) > MOST_HEADERS or (
            self.received > LARGEST_HEAD and self._head_bytes() > LARGEST_HEAD
        ):
            self.refusal = _head_too_large()
            raise ValueError(MOST_HEADERS)  # the parser stops, and `send_400_response` is called
        if ambiguity := self._ambiguity():
            self.refusal = InvalidRequest(ambiguity)
            raise ValueError(ambiguity)
        super().on_headers_complete()
        self.waiting_since, self.in_body, self.received = self.loop.time(), True, 0
        self.delivered = 0
        if self.parser.should_upgrade():
            # It is answered as if it had not asked; what it may send next is no HTTP any more.
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.waiting_since, self.in_body, self.received = None, False, 0

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_since = self.loop.time()
        self.unread_bytes = self.transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.unread_since = None

    def _unsupported_upgrade_warning(self) -> None:
        """Anybody could fill the log with it."""

    def send_400_response(self, msg: str) -> None:
        self.refuse(self.refusal or InvalidRequest("This is no HTTP request that can be read."))

    def refuse(self, error: GatewayError) -> None:
        """Answer, unless there is nothing to be answered any more or yet, and close."""
        if self.transport.is_closing():
            return
        if self._owes_an_answer():
            self.transport.write(_answer(error))
        self.transport.close()

    def look(self, patience: ConnectionTimeouts) -> None:
        """End what takes too long."""
        now = self.loop.time()
        if self._is_unread(now, patience):
            self.transport.abort()
        elif self._is_late(now, patience):
            self.refuse(RequestTimeout("The request did not arrive in time."))

    def _is_unread(self, now: float, patience: ConnectionTimeouts) -> bool:
        if self.unread_since is None:
            return False
        left = self.transport.get_write_buffer_size()
        if left < self.unread_bytes:
            self.unread_since = now
        self.unread_bytes = left
        return now - self.unread_since > patience.unread

    def _is_late(self, now: float, patience: ConnectionTimeouts) -> bool:
        if self.waiting_since is None or self._answers():
            return False
        if self.in_body and self.cycle.response_complete and self.received > MOST_DISCARDED:
            return True
        allowed = patience.head
        if self.in_body:
            allowed = patience.body + self.received / SLOWEST_BODY
        return now - self.waiting_since > allowed

    def _owes_an_answer(self) -> bool:
        """To what is arriving; not to silence, nor to what it has begun to answer."""
        if self.in_body:
            return not self.cycle.response_started
        return self.received > 0 and (self.cycle is None or self.cycle.response_complete)

    def _ambiguity(self) -> str | None:
        """What a proxy in front may have read in another way than the gateway does."""
        hosts = [value.strip() for name, value in self.headers if name == b"host"]
        codings = [v.strip().lower() for name, v in self.headers if name == b"transfer-encoding"]
        newest = self.parser.get_http_version() == "1.1"
        if len(hosts) > 1:
            return "The request has more than one Host header."
        if newest and not (hosts and hosts[0]):
            return "The request has no Host header, or an empty one."
        if codings and not (newest and codings == [b"chunked"]):
            return "Transfer-Encoding: chunked is the only coding that is taken, and only once."
        return None

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _answers(self) -> bool:
        """Whether it is for the gateway to go on: with its answer, or with reading."""
        if self.flow.read_paused:
            return True
        return self.cycle is not None and not (self.cycle.response_complete or self.cycle.more_body)


async def look_after(connections: Iterable[Any], patience: ConnectionTimeouts) -> None:
    """Until cancelled. Connections of other protocols are left alone."""
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        for connection in list(connections):
            if isinstance(connection, Connection):
                connection.look(patience)


def _head_too_large() -> HeadTooLarge:
    return HeadTooLarge(
        f"The head of the request is larger than {LARGEST_HEAD:,} bytes, or has more than "
        f"{MOST_HEADERS} headers."
    )


def _answer(error: GatewayError) -> bytes:
    """An error in OpenAI's format: without a path the caller's format is unknown."""
    body = orjson.dumps(openai_error(error))
    return b"%bcontent-type: application/json\r\ncontent-length: %d\r\nrequest-id: %b\r\n%b%b" % (
        STATUS_LINE[HTTPStatus(error.status)],
        len(body),
        f"req_{token_hex(12)}".encode(),
        b"connection: close\r\n\r\n",
        body,
    )
