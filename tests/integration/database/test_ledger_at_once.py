"""The ledger in PostgreSQL when many ask at one time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import anyio
import psycopg
import pytest

from app.database.database import Database
from app.ledger.ledger import PostgresLedger
from app.ledger.record import BudgetCounter, Grant, ReserveRequest, Scope
from tests.support.examples import TODAY, account, hold, settlement

SECONDS = 60


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[PostgresLedger]:
    async with Database(database_url, pool_size=8, timeout_seconds=20) as database:
        yield PostgresLedger(database)


def sums(dsn: str) -> list[tuple[str, Decimal, Decimal]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "SELECT scope || '/' || id, spent, reserved FROM budget_counter ORDER BY 1"
        ).fetchall()


async def run(ledger: PostgresLedger, held: ReserveRequest, spent: list[Decimal]) -> None:
    """A request's life: it is let in or not, grows, and costs nearly what it held."""
    if not isinstance(await ledger.hold(held), Grant):
        return
    more = replace(held, amount=held.amount * 2, grows=True)
    granted = isinstance(await ledger.hold(more), Grant)
    cost = more.amount if granted else held.amount
    await ledger.settle(settlement(held, cost=str(cost)))
    spent.append(cost)


async def test_many_at_once_never_pass_the_cap_and_leave_nothing_held(
    ledger: PostgresLedger, database_url: str
) -> None:
    accounts = (
        account(Scope.KEY, "40"),
        account(Scope.USER, "20", TODAY),
        account(Scope.GLOBAL, "10", id_="*"),
    )
    spent: list[Decimal] = []

    with anyio.fail_after(SECONDS):
        await asyncio.gather(
            *(run(ledger, hold(*accounts, amount="0.13"), spent) for _ in range(200))
        )

    assert Decimal("9.7") < sum(spent) <= 10
    assert {row[1:] for row in sums(database_url)} == {(sum(spent), Decimal(0))}


@pytest.mark.parametrize("cap", ["1000", None])
async def test_requests_that_name_their_accounts_in_any_order_all_come_through(
    ledger: PostgresLedger, database_url: str, cap: str | None
) -> None:
    """Nobody does; should it happen, a deadlock is broken and the statement repeated."""
    name = database_url.rpartition("/")[2]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '10ms'".encode())
    accounts = [account(scope, cap) for scope in Scope]
    spent: list[Decimal] = []

    with anyio.fail_after(SECONDS):
        await asyncio.gather(
            *(
                run(ledger, hold(*(accounts[:: 1 if number % 2 else -1])), spent)
                for number in range(60)
            )
        )

    assert len(spent) == 60
    assert {row[1:] for row in sums(database_url)} == {(sum(spent), Decimal(0))}


async def test_keys_of_one_user_do_not_deadlock(ledger: PostgresLedger, database_url: str) -> None:
    def accounts(number: int) -> tuple[BudgetCounter, ...]:
        mine = f"key-{number % 3}"
        return (
            account(Scope.KEY, None, id_=mine),
            account(Scope.KEY, "500", TODAY, id_=mine),
            account(Scope.USER),
            account(Scope.USER, "500", TODAY),
        )

    spent: list[Decimal] = []

    with anyio.fail_after(SECONDS):
        await asyncio.gather(*(run(ledger, hold(*accounts(n)), spent) for n in range(90)))

    with psycopg.connect(database_url) as connection:
        deadlocks = connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert len(spent) == 90
    assert deadlocks == (0,)


async def test_two_that_settle_one_request_book_it_once(
    ledger: PostgresLedger, database_url: str
) -> None:
    held = hold(account(cap="5"))
    await ledger.hold(held)
    guess = settlement(held, cost="1", ending="gateway_lost")
    real = settlement(held, cost="0.25")

    await asyncio.gather(*(ledger.settle(one) for one in [guess, real] * 10))

    assert sums(database_url) == [("key/a", Decimal("0.25"), Decimal(0))]


async def test_gateways_that_start_at_once_all_make_room_in_the_log(database_url: str) -> None:
    async def prepare() -> None:
        async with Database(database_url, pool_size=2, timeout_seconds=20) as database:
            await PostgresLedger(database).prepare(datetime(2027, 1, 1, tzinfo=UTC))

    with anyio.fail_after(SECONDS):
        await asyncio.gather(*(prepare() for _ in range(6)))

    with psycopg.connect(database_url) as connection:
        days = connection.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'spend_log'::regclass"
        ).fetchone()
    assert days == (1 + 8,)


async def test_a_day_whose_rows_came_before_its_partition_stays_in_the_rest(
    ledger: PostgresLedger, database_url: str
) -> None:
    day = datetime(2027, 1, 3, tzinfo=UTC)
    early = hold(account(), started_at=day)
    await ledger.settle(settlement(early))

    await ledger.prepare(datetime(2027, 1, 1, tzinfo=UTC))
    await ledger.settle(settlement(hold(account(), started_at=day)))

    with psycopg.connect(database_url) as connection:
        places = connection.execute("SELECT DISTINCT tableoid::regclass::text FROM spend_log")
        assert places.fetchall() == [("spend_log_rest",)]


async def test_a_long_look_at_the_log_does_not_hold_up_those_that_write_to_it(
    ledger: PostgresLedger, database_url: str
) -> None:
    with psycopg.connect(database_url) as reader, anyio.fail_after(SECONDS):
        reader.execute("SELECT count(*) FROM spend_log")
        await ledger.prepare(datetime(2027, 1, 1, tzinfo=UTC))
        held = hold(account())
        await ledger.settle(settlement(held))

    assert sums(database_url) == [("key/a", Decimal("0.5"), Decimal(0))]
    await ledger.prepare(datetime(2027, 1, 1, tzinfo=UTC))
