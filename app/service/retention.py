"""How long rows are kept in the tables that grow; docs/operations.md lists them."""

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from app.domain.ledger import Account
from app.domain.retention import Old, Present
from app.ports import OldRows
from app.service.reports import LONGEST_DAYS

log = logging.getLogger(__name__)

AT_A_TIME: Final = 5_000
MOST_BATCHES: Final = 200
"""Of one table in one run; what is left is deleted the next day."""

DETAILS_A_DAY: Final = 1_000
"""Sessions, and tags, of a key's day that keep a sum of their own."""

A_MINUTE: Final = timedelta(minutes=1)
"""By which clocks may differ."""

KEPT: Final[Mapping[Old, timedelta]] = MappingProxyType(
    {
        # Nothing reads a window that is over; a week is for settlements that waited in a spool.
        Old.WINDOWS: timedelta(days=7),
        Old.METERS: timedelta(days=1),
        Old.SECRETS: timedelta(days=90),
        # As far back as a report reaches.
        Old.DELETED_KEYS: timedelta(days=LONGEST_DAYS),
        Old.SESSIONS: timedelta(days=LONGEST_DAYS),
        Old.TAGS: timedelta(days=LONGEST_DAYS),
    }
)


class Retention:
    """Deletes what is too old, once a day. Any number of processes may do so at once."""

    def __init__(self, rows: OldRows, *, audit_days: int) -> None:
        """`audit_days` 0 keeps the audit log forever."""
        self._rows = rows
        audit = {Old.AUDIT_LOG: timedelta(days=audit_days)} if audit_days else {}
        self._kept = {**KEPT, **audit}
        self._done: date | None = None

    def due(self, now: datetime) -> bool:
        return self._done != now.date()

    async def run(self, now: datetime, present: Sequence[Account]) -> None:
        """Delete by batches; `present` are the windows of all budgets, listed since `now`. Raises
        DatabaseUnavailable."""
        for what, kept in self._kept.items():
            before = now - kept
            old = [account for account in present if account.window.start < before]
            if deleted := await self._all(what, before, Present(old, now - A_MINUTE)):
                log.info("old rows deleted", extra={"table": what.value, "count": deleted})
        self._done = now.date()

    async def _all(self, what: Old, before: datetime, present: Present) -> int:
        deleted = 0
        for _ in range(MOST_BATCHES):
            batch = await self._rows.forget(what, before, AT_A_TIME, present)
            deleted += batch
            if batch < AT_A_TIME:
                break
        return deleted
