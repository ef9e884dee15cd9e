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

    def start(self, work: Work) -> asyncio.Task[None]:
        """Start work, which must end in bounded time on its own."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
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

    async def finish(self) -> None:
        """Wait for all work."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work failed", extra={"error": type(error).__name__})
