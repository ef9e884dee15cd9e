"""Waiting for what comes again and again, each time for so long and no longer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

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
