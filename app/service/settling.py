"""Books what a request cost, whatever happens to the database meanwhile."""

import logging
from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from app.domain.ledger import Settlement
from app.errors import DatabaseUnavailable
from app.ports import Ledger, Spool

log = logging.getLogger(__name__)

KEPT_IN_MEMORY = 10_000


class Settler:
    """Settles in the ledger; else in the spool; else, with a full disk, in memory for a while."""

    def __init__(self, ledger: Ledger, spool: Spool) -> None:
        self._ledger = ledger
        self._spool = spool
        self._kept: deque[Settlement] = deque()

    async def settle(self, settlement: Settlement) -> Sequence[Decimal]:
        """What is spent in each account now; nothing if that is not known. Never raises for want
        of database or disk."""
        try:
            return await self._ledger.settle(settlement)
        except DatabaseUnavailable:
            await self._keep(settlement)
            return ()
        except Exception:
            # A fault of ours loses no bill either: somebody will look into the spool.
            await self._keep(settlement)
            raise

    async def replay(self) -> int:
        """Settle what was kept; the number settled. Raises DatabaseUnavailable."""
        count = 0
        while self._kept:
            await self._ledger.settle(self._kept[0])
            self._kept.popleft()
            count += 1
        return count + await self._spool.replay(self._ledger)

    async def _keep(self, settlement: Settlement) -> None:
        facts = {"request_id": settlement.request_id, "cost": str(settlement.cost)}
        try:
            await self._spool.add(settlement)
            log.warning("database away: settlement spooled", extra=facts)
        except OSError as error:
            log.critical(
                "database away and spool not writable: settlement kept in memory",
                extra=facts | {"error": str(error)},
            )
            if len(self._kept) >= KEPT_IN_MEMORY:
                lost = self._kept.popleft()
                log.critical(
                    "settlement lost", extra={"request_id": lost.request_id, "cost": str(lost.cost)}
                )
            self._kept.append(settlement)
