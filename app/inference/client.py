"""The client of one call: what is sent to it, and whether it is still there."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Client:
    """Sends one response, or a stream whose silences are filled with pings.

    A timer starts the stream when Bedrock is silent for long, and pings after each
    further silence; it never interrupts the call. What is sent to a client that has disconnected is
    dropped.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._headers: Mapping[str, str] = {}
        self._ping = b""
        self._allowed_silence = self._ping_seconds = self._sent_at = 0.0
        self._sending = 0
        self.started = False
        """Whether the status was sent."""
        self.finished = False
        """Whether the last byte was sent."""
        self.disconnected = False

    async def respond(self, response: Response) -> None:
        """Send all of a response."""
        self.started = self.finished = True
        await response(self._scope, self._receive, self._send)

    def stream(
        self,
        headers: Mapping[str, str],
        *,
        ping: bytes,
        start_seconds: float,
        ping_seconds: float,
        on_disconnect: Callable[[], None],
    ) -> None:
        """Make the response a stream. The status goes out with the first frames, or after
        `start_seconds` without any; `ping` after each `ping_seconds` without any."""
        self._headers, self._ping = headers, ping
        self._allowed_silence, self._ping_seconds = start_seconds, ping_seconds
        self._sent_at = self._loop.time()
        self._schedule(start_seconds)
        self._start(self._listen(on_disconnect))

    async def write(self, frames: bytes) -> None:
        """Send frames of a stream; returns when the client has room for more."""
        if frames and not (self.finished or self.disconnected):
            await self._body(frames, more=True)

    async def finish(self, frames: bytes = b"") -> None:
        """Send the last frames of a stream."""
        if not (self.finished or self.disconnected):
            self.finished = True
            await self._body(frames, more=False)

    def close(self) -> None:
        """Stop pinging and listening."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def _body(self, frames: bytes, *, more: bool) -> None:
        self._sending += 1
        try:
            if not self.started:
                self.started = True
                self._schedule(self._ping_seconds)
                head = [(name.encode(), value.encode()) for name, value in self._headers.items()]
                await self._send({"type": "http.response.start", "status": 200, "headers": head})
            await self._send({"type": "http.response.body", "body": frames, "more_body": more})
        finally:
            self._sending -= 1
            self._sent_at = self._loop.time()
            self._allowed_silence = self._ping_seconds

    def _tick(self) -> None:
        left = self._sent_at + self._allowed_silence - self._loop.time()
        if left <= 0:
            left = self._ping_seconds
            idle = not (self._sending or self.finished or self.disconnected)
            if idle and (self._ping or not self.started):
                self._start(self._body(self._ping, more=True))
        self._schedule(left)

    def _schedule(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._tick)

    async def _listen(self, on_disconnect: Callable[[], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.finished:
            self.disconnected = True
            on_disconnect()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
