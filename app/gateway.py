"""A gateway that was put together, and how it lives from start to end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from app.errors import DatabaseUnavailable
from app.ports import Telemetry
from app.service.background import Background
from app.service.changes import Changes
from app.service.janitor import Janitor
from app.service.upkeep import Upkeep

LAST_SETTLEMENTS_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Gateway:
    """Both front doors, and what goes on behind them."""

    public: ASGIApp
    internal: ASGIApp
    changes: Changes
    janitor: Janitor
    upkeep: Upkeep
    telemetry: Telemetry
    background: Background

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The janitor and the upkeep at work; at the end, every open bill is settled."""
        # No request is to be answered or priced by models that the operator has changed.
        await self.changes.offer.reload()
        with contextlib.suppress(DatabaseUnavailable):
            await self.janitor.round()
        chores = (self.janitor, self.upkeep, self.telemetry)
        rounds = [asyncio.create_task(chore.run()) for chore in chores]
        try:
            yield
        finally:
            for task in rounds:
                task.cancel()
            await self.background.finish(LAST_SETTLEMENTS_SECONDS)
            await self.janitor.leave()
