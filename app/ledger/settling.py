"""Settles requests, also while the database is unavailable."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from app.core.tasks import DetachedTasks
from app.errors import DatabaseUnavailable
from app.ledger.record import Ledger, RequestRecord, Settled


class Spool(Protocol):
    """Keeps records while the database is unavailable."""

    async def add(self, record: RequestRecord) -> None:
        """Raises OSError when there is no room."""

    async def replay(self, ledger: Ledger) -> int:
        """Settle what is kept, in any order; the number settled. Stops at the first failure."""


log = logging.getLogger(__name__)

KEPT_IN_MEMORY = 10_000

Made = TypeVar("Made")


class Settler:
    """Settles in the ledger; else in the spool; else, with a full disk, in memory for a while.

    Nobody waits for the ledger's disk: what it might still lose is remembered, and settled again if
    it does (ADR 29)."""

    def __init__(self, ledger: Ledger, spool: Spool, background: DetachedTasks) -> None:
        self._ledger = ledger
        self._spool = spool
        self._background = background
        self._kept: deque[RequestRecord] = deque()
        self._unsure: dict[asyncio.Future[bool], list[RequestRecord]] = {}
        """Those that it may still lose, by what they wait for."""

    async def settle(self, record: RequestRecord) -> Sequence[Decimal]:
        """What is spent in each account now; nothing if that is not known. Never raises for want
        of database or disk."""
        booked = await self._or_keep(record, self._ledger.book(record))
        if booked is None:
            return ()
        self._remember(record, booked)
        return booked.spent

    async def replay(self) -> int:
        """Settle what was kept; the number settled. Several may be at it. Raises
        DatabaseUnavailable."""
        count = 0
        while self._kept:
            record = self._kept.popleft()
            try:
                await self._ledger.settle(record)
            except BaseException:
                self._kept.appendleft(record)
                raise
            count += 1
        return count + await self._spool.replay(self._ledger)

    def _remember(self, record: RequestRecord, booked: Settled) -> None:
        if (others := self._unsure.get(booked.lasts)) is not None:
            others.append(record)
            return
        self._unsure[booked.lasts] = [record]
        self._background.start(self._make_sure(booked.lasts))

    async def _make_sure(self, lasts: asyncio.Future[bool]) -> None:
        lasted = await lasts
        settlements = self._unsure.pop(lasts)
        if not lasted:
            log.warning(
                "flush failed; re-sending settlements",
                extra={"count": len(settlements)},
            )
            await asyncio.gather(
                *(self._or_keep(one, self._ledger.settle(one)) for one in settlements)
            )

    async def _or_keep(self, record: RequestRecord, settling: Awaitable[Made]) -> Made | None:
        """What comes of it; None without a database. What does not get settled is kept."""
        try:
            return await settling
        except DatabaseUnavailable as error:
            await self._keep(record, error)
            return None
        except Exception as error:
            # A fault of ours loses no bill either: somebody will look into the spool.
            await self._keep(record, error)
            raise

    async def _keep(self, record: RequestRecord, reason: Exception) -> None:
        facts = {
            "request_id": record.request_id,
            "cost": str(record.cost),
            "reason": type(reason).__name__,
        }
        try:
            await self._spool.add(record)
            log.warning("settlement failed; written to the local spool", extra=facts)
        except OSError as error:
            log.critical(
                "settlement failed and the spool is not writable; kept in memory",
                extra=facts | {"error": str(error)},
            )
            if len(self._kept) >= KEPT_IN_MEMORY:
                lost = self._kept.popleft()
                log.critical(
                    "settlement dropped: memory queue full",
                    extra={"request_id": lost.request_id, "cost": str(lost.cost)},
                )
            self._kept.append(record)
