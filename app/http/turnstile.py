"""Requests begin one after the other, with those under way going on in between.

The event loop runs all that is ready before it looks again. Of fifty requests that come together,
each was read before the first one's budget was asked for, and streams that were open stood still.
"""

import asyncio
from collections import deque
from collections.abc import Callable

Begin = Callable[[], None]


class Turnstile:
    """Lets one request begin in each round of the event loop, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: deque[Begin] = deque()
        self._turning = False
        """Whether one has begun in this round."""

    def pass_through(self, begin: Begin) -> None:
        self._waiting.append(begin)
        if not self._turning:
            self._turn()

    def _turn(self) -> None:
        self._turning = bool(self._waiting)
        if not self._turning:
            return
        try:
            self._waiting.popleft()()
        finally:
            asyncio.get_running_loop().call_soon(self._turn)
