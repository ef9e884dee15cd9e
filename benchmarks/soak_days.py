"""Days that pass in seconds: the spend log's partitions are made ahead, and dropped on time.

The store's own upkeep is given a clock that is moved on, over days that are over; PostgreSQL's
stays. What this does not show is a partition that is made while requests wait for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import psycopg

from app.core.budgets import UNLIMITED
from app.core.time import Clock
from app.database.database import Database
from app.database.migrate import migrate
from app.identity.listing import PostgresListing
from app.identity.policy import Accounts
from app.ledger.ledger import PARTITION_DAYS_AHEAD, PostgresLedger
from app.spend.history import PostgresSpending
from app.spend.retention import PostgresOldRows, Retention
from app.spend.rollup import DailyRollup
from app.telemetry.metrics import Metrics
from tests.support.examples import account, hold, settlement

DATABASE: Final = "days"
REQUESTS_A_DAY: Final = 5
RETENTION_DAYS: Final = 30

PARTITIONS: Final = (
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"
)
NOT_IN_THEIR_OWN: Final = "SELECT count(*) FROM spend_log_rest"


@dataclass(frozen=True, slots=True)
class Days:
    """`late` are sentences; there should be none."""

    passed: int
    most_partitions: int
    late: tuple[str, ...]


async def pass_days(server: str, count: int, retention: int = RETENTION_DAYS) -> Days:
    """So many days up to yesterday, in a database of their own on that server."""
    dsn = f"{server.rpartition('/')[0]}/{DATABASE}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}".encode())
    migrate(dsn)
    most, late = 0, list[str]()
    async with Database(dsn, pool_size=2, timeout_seconds=30) as database:
        for back in range(count, 0, -1):
            now = datetime.now(UTC) - timedelta(days=back)
            await _one_day(database, now, retention)
            there = set(_partitions(dsn))
            most = max(most, len(there))
            late += _late(there, now.date(), retention)
    return Days(count, most, (*late, *_strays(dsn)))


async def _one_day(database: Database, now: datetime, retention: int) -> None:
    """What gateways do in a day that has come: prepare, book, close the days that are over."""
    ledger, spending = PostgresLedger(database), PostgresSpending(database)
    await ledger.prepare(now)
    for _ in range(REQUESTS_A_DAY):
        await ledger.settle(settlement(hold(account(), started_at=now)))
    upkeep = DailyRollup(
        spending,
        PostgresListing(database),
        Accounts(UNLIMITED, ZoneInfo("UTC")),
        Metrics(),
        Retention(PostgresOldRows(database), audit_days=0),
        Clock(now=lambda: now),
        retention_days=retention,
    )
    await upkeep.round()


def _late(there: set[str], today: date, retention: int) -> Iterator[str]:
    ahead = today + timedelta(days=PARTITION_DAYS_AHEAD - 1)
    if _name(ahead) not in there:
        yield f"on {today} there was no partition for {ahead}"
    oldest = _name(today - timedelta(days=retention))
    if old := [name for name in there if name < oldest]:
        yield f"on {today} these were still there: {', '.join(sorted(old))}"


def _name(day: date) -> str:
    return f"spend_log_{day:%Y%m%d}"


def _partitions(dsn: str) -> Iterator[str]:
    """Of days; the one for the rest is another matter."""
    with psycopg.connect(dsn) as connection:
        names = [row[0] for row in connection.execute(PARTITIONS, ("spend_log",)).fetchall()]
    yield from (name for name in names if name != "spend_log_rest")


def _strays(dsn: str) -> Iterator[str]:
    with psycopg.connect(dsn) as connection:
        (count,) = connection.execute(NOT_IN_THEIR_OWN).fetchone() or (0,)
    if count:
        yield f"{count} requests lie in no partition of their day"
