"""Sending a streamed answer, and noticing that nobody listens."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.inference.stream import StreamedAnswer

SSE_HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}

LAST_WORD_SECONDS: Final = 0.5


class StreamedResponse(Response):
    """Sent as it comes. A client that hangs up ends the sending at once, not the accounting."""

    def __init__(self, answer: StreamedAnswer, headers: Mapping[str, str]) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(headers)
        self._answer = answer
        self._open = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        listening = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await self._end(send)
            raise
        finally:
            listening.cancel()
            sending.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)
            await self._answer.close()
        if not sending.cancelled():
            sending.result()

    async def _end(self, send: Send) -> None:
        """The gateway stops: say so to whoever still reads."""
        if not self._open:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_SECONDS):
                last = self._answer.stopped()
                await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        self._open = True
        last = b""
        async for chunk in self._answer.frames():
            if self._answer.ended:
                last += chunk
            else:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._open = False
        await send({"type": "http.response.body", "body": last, "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
