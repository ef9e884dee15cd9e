"""Heartbeats, orphaned reservations, and replay of the spool."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import date
from decimal import Decimal

from app.core.ids import InstanceId, RequestId
from app.core.time import Clock
from app.errors import DatabaseUnavailable
from app.ledger.record import Ledger, RequestRecord, ReserveRequest, SpendWatcher
from app.ledger.settling import Settler

log = logging.getLogger(__name__)


class Recovery:
    """Works for as long as the process lives. Any number of processes may do so at once."""

    def __init__(
        self,
        ledger: Ledger,
        settler: Settler,
        watcher: SpendWatcher,
        *,
        instance: InstanceId,
        open_requests: Collection[RequestId],
        clock: Clock,
        instance_timeout_seconds: float,
    ) -> None:
        self._ledger = ledger
        self._settler = settler
        self._watcher = watcher
        self._instance = instance
        self._open = open_requests
        self._clock = clock
        self._timeout = instance_timeout_seconds
        self._trusted_since: float | None = None
        self._prepared: date | None = None
        self._heard = clock.monotonic()

    @property
    def silence_seconds(self) -> float:
        """How long ago the database last answered a heartbeat, of five in `instance_timeout`."""
        return self._clock.monotonic() - self._heard

    async def run(self) -> None:
        """Rounds and replays until cancelled; however long a replay takes, no heartbeat waits."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again_and_again(self.round))
            tasks.create_task(self._again_and_again(self.replay))

    async def round(self) -> None:
        """One heartbeat, and what is due with it. Raises DatabaseUnavailable."""
        await self._ledger.heartbeat(self._instance)
        now = self._heard = self._clock.monotonic()
        if self._trusted_since is None:
            self._trusted_since = now
        # While the database was away nobody could say that they live: let them do so first.
        others_had_time = now - self._trusted_since >= self._timeout
        if self._prepared != (today := self._clock.now().date()):
            await self._ledger.prepare(self._clock.now())
            self._prepared = today
        if others_had_time:
            await self._settle_orphans()
        await self._release_strays()

    async def replay(self) -> None:
        """Book what was kept. Raises DatabaseUnavailable."""
        if replayed := await self._settler.replay():
            self._watcher.tidied("spooled", replayed)
            log.info("spooled settlements replayed", extra={"count": replayed})

    async def leave(self) -> None:
        """Shut down: settle what is spooled, so that nothing is left to other instances."""
        try:
            await self._settler.replay()
            await self._ledger.forget(self._instance)
        except DatabaseUnavailable:
            log.warning(
                "database unavailable at shutdown; unsettled requests left to other instances"
            )

    async def _again_and_again(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except DatabaseUnavailable:
                self._trusted_since = None
            except Exception as error:
                log.exception("recovery failed", extra={"error": type(error).__name__})
            await asyncio.sleep(self._timeout / 5)

    async def _settle_orphans(self) -> None:
        for hold in await self._ledger.orphans(self._timeout):
            await self._ledger.settle(_abandoned(hold, self._clock))
            self._watcher.tidied("orphan", 1)
            log.warning(
                "orphaned reservation settled at its reserved amount",
                extra={"request_id": hold.request_id, "cost": str(hold.amount)},
            )

    async def _release_strays(self) -> None:
        """A hold whose confirmation was lost was made for a request that got no further: those that
        do are known until they are settled. Where a clock that is behind makes a fresh hold look
        old, its request settles over this, as over any guess."""
        for hold in await self._ledger.strays(self._instance, self._open, self._timeout):
            nothing = replace(_abandoned(hold, self._clock), cost=Decimal(0))
            await self._ledger.settle(nothing)
            self._watcher.tidied("stray", 1)
            log.warning("unclaimed reservation released", extra={"request_id": hold.request_id})


def _abandoned(hold: ReserveRequest, clock: Clock) -> RequestRecord:
    """A request is billed at what it held: that covers all that was seen of its answer."""
    return RequestRecord(
        request_id=hold.request_id,
        started_at=hold.started_at,
        finished_at=clock.now(),
        api_format="unknown",
        status=500,
        ending="gateway_lost",
        key_id=hold.key_id,
        user_id=hold.user_id,
        model=hold.model,
        upstream_model=hold.bedrock_id,
        cost=hold.amount,
        estimated=True,
        counters=hold.accounts,
    )
