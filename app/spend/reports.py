"""Reports on spend: for the platform team, and for the owner of each key."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

from app.core.budgets import LimitedBy, Limits, LimitScope
from app.core.ids import KeyHash, KeyId, UserId
from app.core.time import Clock
from app.database.paging import Page
from app.errors import DatabaseUnavailable, InvalidRequest, NotFound
from app.identity.policy import GLOBAL_ID, PREFIX, Accounts, Caller, hash_key
from app.identity.records import Records
from app.ledger.record import BudgetCounter, BudgetState, Scope
from app.spend.records import (
    DayCheck,
    Dimension,
    LogEntry,
    LogQuery,
    Part,
    Period,
    Spender,
    SpendGroup,
    Total,
)


class SpendHistory(Protocol):
    """Reads the spend ledger."""

    async def groups(
        self, by: Dimension, period: Period, spender: Spender, part: Part
    ) -> Page[SpendGroup]:
        """Days in their order, all else by cost, highest first; with the number of all groups."""

    async def totals(self, scope: Scope, part: Part) -> Page[Total]:
        """Lifetime spend of keys or users, highest first; with the number of all of them."""

    async def log(self, query: LogQuery) -> Sequence[LogEntry]:
        """One page of requests, the newest first."""

    async def logged(self, query: LogQuery) -> int:
        """The number of requests on all pages; it reads all of them."""

    async def standings(self, accounts: Sequence[BudgetCounter]) -> Sequence[BudgetState]:
        """What is spent and held in each of these."""

    async def checks(self, limit: int) -> Sequence[DayCheck]:
        """Past days, the latest first."""


USUAL_DAYS = 30

LONGEST_DAYS = 400

MOST_MODELS = 1000

MOST_SESSIONS = 20


@dataclass(frozen=True, slots=True)
class OwnUsage:
    """What the owner of a key may see: its own budgets and its user's, and what the key spent today
    and since `window` began; of sessions those with the highest spend, and how many there are."""

    standings: Sequence[BudgetState]
    limits: Sequence[LimitedBy]
    today: Sequence[SpendGroup]
    sessions_today: Page[SpendGroup]
    window: Period
    models: Sequence[SpendGroup]
    sessions: Page[SpendGroup]


class Reports:
    """Reads the spend ledger; changes nothing."""

    def __init__(
        self, history: SpendHistory, records: Records, accounts: Accounts, clock: Clock
    ) -> None:
        self._history = history
        self._records = records
        self._accounts = accounts
        self._clock = clock

    @property
    def today(self) -> date:
        return self._clock.now().date()

    def period(self, first: date | None, last: date | None) -> Period:
        """Of these days, or the last 30. Raises InvalidRequest for none, or for too many."""
        last = last or self.today
        first = first or last - timedelta(days=USUAL_DAYS - 1)
        if first > last:
            raise InvalidRequest("start_date: is after end_date")
        if last - first >= timedelta(days=LONGEST_DAYS):
            raise InvalidRequest(f"start_date: a report has at most {LONGEST_DAYS} days")
        return Period(first, last)

    async def spender(self, key: str | None, user_id: str | None) -> Spender:
        """Of a key, given as the key, its id or a hash that it has or had. Raises NotFound."""
        user = UserId(user_id) if user_id is not None else None
        if key is None:
            return Spender(user_id=user)
        hashed = hash_key(key) if key.startswith(PREFIX) else KeyHash(key)
        found = await self._records.key(hashed)
        if found is None and key.startswith(PREFIX):
            raise NotFound("No such key.")
        return Spender(found.id if found else KeyId(key), user)

    async def groups(
        self, by: Dimension, period: Period, spender: Spender, part: Part
    ) -> Page[SpendGroup]:
        return await self._history.groups(by, period, spender, part)

    async def totals(self, scope: Scope, part: Part) -> Page[Total]:
        return await self._history.totals(scope, part)

    async def log(self, query: LogQuery) -> Sequence[LogEntry]:
        return await self._history.log(query)

    async def log_page(self, query: LogQuery) -> Page[LogEntry]:
        """With the number of all requests that match, which reads all of them."""
        return Page(await self._history.log(query), await self._history.logged(query))

    async def checks(self, limit: int) -> Sequence[DayCheck]:
        return await self._history.checks(limit)

    async def everybody(self) -> tuple[BudgetState | None, Sequence[SpendGroup]]:
        """The global budget, where there is one, and what all spent in the last 30 days."""
        found = await self._history.groups(
            Dimension.DAY, self.period(None, None), Spender(), Part(LONGEST_DAYS)
        )
        days = found.records
        budget = self._accounts.global_budget
        if budget.max is None:
            return None, days
        account = self._accounts.present(Scope.GLOBAL, GLOBAL_ID, budget, self._clock.now())
        (standing,) = await self._history.standings([account])
        return standing, days

    async def own(self, caller: Caller) -> OwnUsage:
        now = self._clock.now()
        accounts = self._accounts.windows(caller.key, now)
        if caller.user is not None:
            accounts += self._accounts.windows(caller.user, now)
        standings = await self._history.standings(accounts)
        starts = [a.window.start.date() for a in accounts if not a.lifetime]
        usual = self.today - timedelta(days=USUAL_DAYS - 1)
        window = Period(max(min(starts, default=usual), usual - timedelta(days=1)), self.today)
        mine, day = Spender(key_id=caller.key.id), Period(self.today, self.today)
        models, sessions = Part(MOST_MODELS), Part(MOST_SESSIONS)
        return OwnUsage(
            standings=standings,
            limits=list(_limits(caller)),
            today=(await self.groups(Dimension.MODEL, day, mine, models)).records,
            sessions_today=await self.groups(Dimension.SESSION, day, mine, sessions),
            window=window,
            models=(await self.groups(Dimension.MODEL, window, mine, models)).records,
            sessions=await self.groups(Dimension.SESSION, window, mine, sessions),
        )


def _limits(caller: Caller) -> Iterable[LimitedBy]:
    """Those of key and user, by model and for all; for one model, `id` is its name."""
    holders = [(LimitScope.KEY, LimitScope.KEY_MODEL, caller.key.allowance)]
    if caller.user is not None:
        holders.append((LimitScope.USER, LimitScope.USER_MODEL, caller.user.allowance))
    for whole, single, allowance in holders:
        if allowance.limits != Limits():
            yield LimitedBy(whole, GLOBAL_ID, allowance.limits)
        for model, limits in sorted(allowance.model_limits.items()):
            yield LimitedBy(single, model, limits)


SECONDS_BETWEEN: Final = 1
"""Between the end of a reading and the next of the same key."""

AT_ONCE: Final = 1
"""Keys whose usage is read at one time. Reports and upkeep have two connections, so one is free."""

LONGEST_WAIT_SECONDS: Final = 10


@dataclass(slots=True)
class _Reading:
    task: asyncio.Task[OwnUsage]
    read_at: float | None = None
    """Monotonic seconds; None while it is being read."""


class OwnUsages:
    """Reads each key's usage at most once a second, and one key's at a time."""

    def __init__(self, reports: Reports, monotonic: Callable[[], float]) -> None:
        self._reports = reports
        self._monotonic = monotonic
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._readings: dict[KeyId, _Reading] = {}

    async def of(self, caller: Caller) -> OwnUsage:
        """What a key's owner may know. Requests that come while the key's next reading has not
        begun share it, so nobody gets what was read before they asked.

        Raises:
            DatabaseUnavailable: The database is unavailable, or too many keys are waiting.
        """
        self._forget_old()
        reading = self._readings.get(caller.key.id)
        if reading is None or reading.read_at is not None:
            wait = 0.0
            if reading is not None and reading.read_at is not None:
                wait = reading.read_at + SECONDS_BETWEEN - self._monotonic()
            reading = self._readings[caller.key.id] = _Reading(
                asyncio.create_task(self._read(caller, wait))
            )
            reading.task.add_done_callback(lambda _: self._keep(caller.key.id))
        # A client that goes away does not end what others wait for.
        return await asyncio.shield(reading.task)

    async def _read(self, caller: Caller, wait: float) -> OwnUsage:
        await asyncio.sleep(wait)
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable(
                "Too many usage reports are being read; try again in a moment."
            ) from error
        try:
            return await self._reports.own(caller)
        finally:
            self._turn.release()

    def _keep(self, key_id: KeyId) -> None:
        """Errors are told to those who waited, and to nobody later."""
        reading = self._readings[key_id]
        if reading.task.cancelled() or reading.task.exception() is not None:
            del self._readings[key_id]
        else:
            reading.read_at = self._monotonic()

    def _forget_old(self) -> None:
        oldest = self._monotonic() - SECONDS_BETWEEN
        for key_id, reading in list(self._readings.items()):
            if reading.read_at is not None and reading.read_at <= oldest:
                del self._readings[key_id]
