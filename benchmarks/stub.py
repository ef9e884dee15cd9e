"""A Bedrock that is never the bottleneck: `python -m benchmarks.stub --port 0`.

It answers InvokeModel, Converse and their streams from bytes that were made beforehand, checks
nothing of what it is sent, and says what it took of a core. `POST /stub` sets how it answers.
It proves nothing about Bedrock: that is the emulator's part.
"""

import argparse
import asyncio
import json
import socket
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

from benchmarks.stub_answers import Answers, Pace

CONTROL = "/stub"


class Stub:
    """What all connections share."""

    def __init__(self) -> None:
        self.answers = Answers(Pace())
        self.requests = 0

    def set(self, body: bytes) -> bytes:
        self.answers = Answers(Pace(**json.loads(body)))
        return self.state()

    def state(self) -> bytes:
        return json.dumps({"requests": self.requests, "cpu_seconds": time.process_time()}).encode()


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive; a request at a time, as every client of Bedrock does."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._body: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own does not inherit it

    def connection_lost(self, error: Exception | None) -> None:
        del error
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        if self._url == CONTROL.encode():
            self._body.append(body)

    def on_message_complete(self) -> None:
        path = urlsplit(self._url).path.decode()
        if path == CONTROL:
            body = b"".join(self._body)
            self._body.clear()
            self._write(_json(self._stub.set(body) if body else self._stub.state()))
            return
        self._stub.requests += 1
        self._later(self._stub.answers.pace.latency_ms, lambda: self._answer(path))

    def _answer(self, path: str) -> None:
        answers = self._stub.answers
        action = path.rpartition("/")[2]
        if action == "invoke":
            self._write(answers.invoked())
        elif action == "converse":
            self._write(answers.conversed)
        elif action in answers.streams:
            head, *rest = answers.pieces(action)
            self._write(head)
            self._go_on(rest, 0)
        else:
            self._write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")

    def _go_on(self, pieces: list[bytes], at: int) -> None:
        """Send the next piece after the pause between them."""

        def next_one() -> None:
            self._write(pieces[at])
            self._go_on(pieces, at + 1)

        if at < len(pieces):
            self._later(self._stub.answers.pace.delay_ms, next_one)

    def _later(self, milliseconds: float, act: Callable[[], None]) -> None:
        if milliseconds:
            self._timer = self._loop.call_later(milliseconds / 1000, act)
        else:
            act()

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


def _json(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def serve(port: int) -> None:
    stub = Stub()
    door = socket.create_server(("127.0.0.1", port), backlog=2048)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(stub), sock=door)
    print(f"stub on http://127.0.0.1:{door.getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="A Bedrock for measuring, on loopback.")
    parser.add_argument("--port", type=int, default=0)
    uvloop.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
