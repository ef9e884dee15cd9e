"""Work that outlives the request that started it, and is waited for when the gateway stops."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)

Work = Coroutine[None, None, None]


class DetachedTasks:
    """Holds its tasks, so that none is lost to the garbage collector."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._interruptible: set[asyncio.Task[None]] = set()

    def start(self, work: Work, *, interruptible: bool = False) -> asyncio.Task[None]:
        """Start work. Work that is not interruptible must end in bounded time on its own."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        if interruptible:
            self._interruptible.add(task)
        task.add_done_callback(self._ended)
        return task

    async def complete(self, work: Work) -> None:
        """Run work to its end, also if the caller is cancelled meanwhile. An error of it is
        logged."""
        await asyncio.wait({self.start(work)})

    @property
    def size(self) -> int:
        """How many tasks are under way."""
        return len(self._tasks)

    async def finish(self, seconds: float) -> None:
        """Wait for all work; after `seconds`, cancel what is interruptible."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in set(self._interruptible):
            task.cancel()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._interruptible.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work failed", extra={"error": type(error).__name__})
