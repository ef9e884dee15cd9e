"""Requests start one after the other, with those under way continuing in between (ADR 33)."""

import asyncio
from collections import deque


class StartPacer:
    """Lets one request start in each round of the event loop, in the order in which they came.

    The event loop runs all that is ready before it looks again. Without this, of fifty requests
    that come together each was read before the first one's budget was asked for, and open streams
    stood still.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._busy = False
        """Whether one has started in this round."""

    async def turn(self) -> None:
        """Wait for this request's turn; at once, if none has started in this round."""
        loop = asyncio.get_running_loop()
        if not self._busy:
            self._busy = True
            loop.call_soon(self._next)
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # it was not cancelled meanwhile
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._busy = False
