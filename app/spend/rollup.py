"""Finalises past days: roll-ups, reconciliation, retention."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Protocol

from app.core.time import Clock
from app.database.paging import Cut
from app.errors import DatabaseUnavailable
from app.identity.listing import KeyFilter, Listing, UserFilter
from app.identity.policy import Accounts, Key, User
from app.ledger.record import BudgetCounter, SpendWatcher
from app.spend.records import Finding
from app.spend.retention import DETAILS_A_DAY, Retention


class RollupStore(Protocol):
    """Finalises past days of the spend log. Any number of processes may do so."""

    async def summarise(self, details: int) -> int:
        """Bring the summaries of past days up to date; the number of days that needed it. So many
        sessions, and tags, of a key's day keep a sum of their own; the rest is "(other)"."""

    async def drop_before(self, day: date) -> int:
        """Give up the log of summarised days before `day`; the number of days."""

    async def unchecked(self) -> date | None:
        """The latest summarised day, if nobody has checked it yet."""

    async def check(self, day: date, windows: Sequence[BudgetCounter]) -> Sequence[Finding]:
        """Compare the log, its summaries, and what budgets count; what is found is kept."""

    async def count_anew(self, windows: Sequence[BudgetCounter]) -> None:
        """Set what these have spent to what the log says."""


log = logging.getLogger(__name__)

PAUSE_SECONDS = 60

HOLDERS_AT_A_TIME = 500


class DailyRollup:
    """Runs rounds for as long as the process lives. Any number of processes may do so at once."""

    def __init__(
        self,
        spend: RollupStore,
        listing: Listing,
        accounts: Accounts,
        watcher: SpendWatcher,
        retention: Retention,
        clock: Clock,
        *,
        retention_days: int,
    ) -> None:
        self._spend = spend
        self._listing = listing
        self._accounts = accounts
        self._watcher = watcher
        self._retention = retention
        self._clock = clock
        self._retention_days = retention_days

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            try:
                await self.round()
            except DatabaseUnavailable:
                log.warning("database unavailable; past days are rolled up later")
            except Exception as error:
                log.exception("daily roll-up failed", extra={"error": type(error).__name__})
            await asyncio.sleep(PAUSE_SECONDS)

    async def round(self) -> None:
        """What is due. Raises DatabaseUnavailable."""
        if days := await self._spend.summarise(DETAILS_A_DAY):
            log.info("days of spend summarised", extra={"count": days})
        if (day := await self._spend.unchecked()) is not None:
            windows = [window async for window in self._windows()]
            findings = await self._spend.check(day, windows)
            self._watcher.spend_checked(len(findings))
            for finding in findings:
                _report(day, finding)
            # Who was admitted in the second before a budget's change was heard of is booked on the
            # windows of before. Only ever upwards: a lost log must not open a budget.
            short = {(f.scope, f.id) for f in findings if f.what == "window" and f.short}
            await self._spend.count_anew([w for w in windows if (w.scope, w.id) in short])
            log.info("spend checked", extra={"day": str(day), "differences": len(findings)})
        oldest = self._clock.now().date() - timedelta(days=self._retention_days)
        if dropped := await self._spend.drop_before(oldest):
            log.info("expired spend_log partitions dropped", extra={"count": dropped})
        now = self._clock.now()
        if self._retention.due(now):
            present = [window async for window in self._windows()]
            await self._retention.run(now, [*present, *self._accounts.of_everybody(now)])

    async def _windows(self) -> AsyncIterator[BudgetCounter]:
        """The present windows of all budgets of keys and users."""
        now = self._clock.now()
        async for holder in self._holders():
            for account in self._accounts.windows(holder, now):
                if not account.lifetime:
                    yield account

    async def _holders(self) -> AsyncIterator[Key | User]:
        cut = Cut("created_at", limit=HOLDERS_AT_A_TIME)
        while keys := (await self._listing.list_keys(KeyFilter(), cut)).records:
            for key in keys:
                yield key
            cut = replace(cut, offset=cut.offset + len(keys))
        cut = replace(cut, offset=0)
        while users := (await self._listing.list_users(UserFilter(), cut)).records:
            for summary in users:
                yield summary.user
            cut = replace(cut, offset=cut.offset + len(users))


def _report(day: date, finding: Finding) -> None:
    log.error(
        "reconciliation found differences",
        extra={
            "day": str(day),
            "what": finding.what,
            "scope": finding.scope,
            "id": finding.id,
            "logged_usd": str(finding.logged),
            "counted_usd": str(finding.counted),
        },
    )
