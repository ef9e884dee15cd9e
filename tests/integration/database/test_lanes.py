"""Statements that share a connection: each gets its own row, and its own failure."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import psycopg
import pytest
from psycopg import errors

from app.database import pipeline as lanes
from app.database.database import Database
from app.database.migrate import migrate
from app.database.pipeline import LANES, Statement
from app.errors import DatabaseUnavailable
from app.local.postgres import Postgres
from tests.integration.database.conftest import Sql
from tests.integration.database.test_database import NOWHERE, SECONDS, a_line_to

ECHO = Statement(b"echo", b"SELECT $1::text")
PID = Statement(b"pid", b"SELECT pg_backend_pid(), $1::text")
DIVIDE = Statement(b"divide", b"SELECT 1 / $1::int")
SLEEP = Statement(b"sleep", b"SELECT pg_sleep($1::float)")
NOTE = Statement(b"note", b"INSERT INTO note VALUES ($1::int) RETURNING id")
BREAK_ONCE = Statement(
    b"break",
    b"SELECT CASE WHEN nextval('attempts') = 1 "
    b"THEN pg_terminate_backend(pg_backend_pid())::int ELSE $1::int END",
)
LAST = Statement(
    b"last",
    b"INSERT INTO note VALUES ($1::int) RETURNING pg_current_wal_insert_lsn() - '0/0'::pg_lsn",
)
FLUSHED = "SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn"
FORGET = Statement(b"forget", b"SELECT forget($1)")
CHECK = Statement(b"check", b"SELECT count(*) FROM reconcile_day_v1('2026-01-01', $1::jsonb)")
END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE application_name = 'stargate-gateway' AND datname = current_database()
"""


async def pids(database: Database) -> set[bytes | None]:
    """Of the server's processes that serve many statements at once."""
    rows = await asyncio.gather(*(database.row(PID, b"") for _ in range(20)))
    return {row[0] for row in rows}


@contextmanager
def closed(postgres: Postgres, database: str) -> Iterator[None]:
    """Nobody new gets in."""
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        alter = f"ALTER DATABASE {database} ALLOW_CONNECTIONS"
        connection.execute(f"{alter} false".encode())
        try:
            yield
        finally:
            connection.execute(f"{alter} true".encode())


@pytest.fixture
async def impatient(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, pool_size=2, timeout_seconds=0.3) as database:
        yield database


async def test_each_of_many_at_once_gets_its_own_row(database: Database) -> None:
    texts = [f"text {number}".encode() for number in range(500)]

    rows = await asyncio.gather(*(database.row(ECHO, text) for text in texts))

    assert [row[0] for row in rows] == texts


async def test_they_share_a_few_connections(database: Database) -> None:
    assert len(await pids(database)) == LANES
    assert database.connections() > LANES


async def test_a_failure_is_that_of_one_statement_alone(database: Database) -> None:
    numbers = [b"1", b"0"] * 20

    answers = await asyncio.gather(
        *(database.row(DIVIDE, number) for number in numbers), return_exceptions=True
    )

    assert [answer[0] if isinstance(answer, list) else type(answer) for answer in answers] == [
        b"1",
        errors.DivisionByZero,
    ] * 20


async def test_what_nobody_waits_for_any_more_does_not_hold_up_the_rest(
    database: Database,
) -> None:
    given_up = [asyncio.create_task(database.row(SLEEP, b"0.05")) for _ in range(LANES)]
    await asyncio.sleep(0)
    for task in given_up:
        task.cancel()

    assert list(await database.row(ECHO, b"here")) == [b"here"]


TAKE = Statement(b"take", b"UPDATE purse SET taken = taken + 1 WHERE name = $1 RETURNING taken")


@contextmanager
def locked(database_url: str, name: str) -> Iterator[None]:
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT FROM purse WHERE name = %s FOR UPDATE", (name,))
        yield


@pytest.fixture
def purses(sql: Sql) -> None:
    sql("CREATE TABLE purse (name text PRIMARY KEY, taken int DEFAULT 0)")
    sql("INSERT INTO purse VALUES ('ada'), ('bob')")


@pytest.mark.usefixtures("purses")
@pytest.mark.parametrize("how", ["row", "row_on_disk", "row_to_last"])
async def test_a_locked_row_delays_the_statements_of_its_owner_alone(
    database_url: str, database: Database, how: str
) -> None:
    run = getattr(database, how)
    with locked(database_url, "ada"):
        waiting = [asyncio.create_task(run(TAKE, b"ada", "ada")) for _ in range(20)]
        while database.connections_used() == 0:  # noqa: ASYNC110 - the pool has no event for it
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.3)
        with anyio.fail_after(SECONDS):
            for _ in range(20):
                await run(TAKE, b"bob", "bob")
        assert not any(task.done() for task in waiting)  # the lock was held for all of that time

    answers = await asyncio.gather(*waiting)
    rows = [answer[0] if how == "row_to_last" else answer for answer in answers]
    assert sorted(int(row[0]) for row in rows) == list(range(1, 21))
    if how == "row_to_last":
        assert all([await answer[1] for answer in answers])


@pytest.mark.usefixtures("purses")
async def test_a_row_that_stays_locked_is_an_error_after_the_timeout(
    database_url: str, impatient: Database
) -> None:
    with locked(database_url, "ada"):
        with anyio.fail_after(SECONDS):
            answers = await asyncio.gather(
                *(impatient.row(TAKE, b"ada", "ada") for _ in range(5)), return_exceptions=True
            )
        assert {type(answer) for answer in answers} == {DatabaseUnavailable}

    assert list(await impatient.row(TAKE, b"bob", "bob")) == [b"1"]
    assert list(await impatient.row(TAKE, b"ada", "ada")) == [b"1"]


async def test_those_who_wait_for_the_database_share_one_search_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts = 0
    connect = psycopg.AsyncConnection.connect

    async def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal attempts
        attempts += 1
        return await connect(*arguments, **options)

    async with Database(NOWHERE, pool_size=2, timeout_seconds=1) as database:
        monkeypatch.setattr(psycopg.AsyncConnection, "connect", counted)
        answers = await asyncio.gather(
            *(database.row(ECHO, b"hello") for _ in range(150)), return_exceptions=True
        )

    assert {type(answer) for answer in answers} == {DatabaseUnavailable}
    # Each before the search and after it; the search every 50 ms, and the pool's own.
    assert attempts < 2 * 150 + 2 * 20


async def test_what_is_said_to_last_is_on_disk(database: Database, sql: Sql) -> None:
    sql("CREATE TABLE note (id int)")

    async def written_and_flushed(number: int) -> tuple[int, int]:
        (written,), lasts = await database.row_to_last(LAST, str(number).encode())
        assert await lasts
        ((flushed,),) = await asyncio.to_thread(sql, FLUSHED)
        return int(written or b"0"), int(str(flushed))

    found = await asyncio.gather(*(written_and_flushed(number) for number in range(40)))

    assert all(written < flushed for written, flushed in found)


async def test_a_statement_that_is_to_last_waits_for_a_flush_of_its_own_and_for_no_others(
    database: Database, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "FLUSHED_AFTER_SECONDS", 3600)
    sql("CREATE TABLE note (id int)")

    with anyio.fail_after(SECONDS):
        (written,) = await database.row_on_disk(LAST, b"1")

    ((flushed,),) = sql(FLUSHED)
    assert int(written or b"0") < int(str(flushed))


async def test_a_row_is_there_and_seen_by_all_before_it_is_on_disk(
    database: Database, sql: Sql
) -> None:
    sql("CREATE TABLE note (id int)")

    _, lasts = await database.row_to_last(LAST, b"1")

    assert not lasts.done()
    assert sql("SELECT id FROM note") == [(1,)]


async def test_what_is_committed_at_about_the_same_time_shares_a_flush(
    database: Database, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "FLUSHED_AFTER_SECONDS", 1)
    sql("CREATE TABLE note (id int)")

    committed = await asyncio.gather(
        *(database.row_to_last(LAST, str(number).encode()) for number in range(40))
    )

    assert len({lasts for _, lasts in committed}) == 1


async def test_what_a_server_that_went_may_have_lost_is_not_said_to_last(
    database: Database, sql: Sql
) -> None:
    sql("CREATE TABLE note (id int)")
    _, lasts = await database.row_to_last(LAST, b"1")

    sql(END_ALL)

    assert not await lasts
    _, lasts = await database.row_to_last(LAST, b"2")
    assert await lasts


async def test_what_was_committed_before_a_flush_broke_is_not_said_to_last(
    database: Database, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though there is a connection again by then: it may lead to a server that never saw it."""
    monkeypatch.setattr(lanes, "FLUSHED_AFTER_SECONDS", 1)
    sql("CREATE TABLE note (id int)")
    _, lasts = await database.row_to_last(LAST, b"1")
    monkeypatch.undo()
    sql(END_ALL)

    _, later = await database.row_to_last(LAST, b"2")

    assert (await later, await lasts) == (True, False)


async def test_a_document_larger_than_any_buffer_arrives(database: Database) -> None:
    large = b"x" * 8_000_000

    rows = await asyncio.gather(*(database.row(ECHO, large) for _ in range(3)))

    assert [row[0] for row in rows] == [large] * 3


async def test_a_connection_that_was_ended_is_replaced(database: Database, sql: Sql) -> None:
    before = await pids(database)
    sql(END_ALL)

    assert before.isdisjoint(await pids(database))


async def test_with_some_connections_left_and_no_new_ones_it_is_unavailable(
    impatient: Database, sql: Sql, postgres: Postgres
) -> None:
    await asyncio.gather(*(impatient.row(ECHO, b"here") for _ in range(LANES)))
    sql(f"{END_ALL} AND query LIKE '%$1::text%' AND pid <> pg_backend_pid()")
    with closed(postgres, str(sql("SELECT current_database()")[0][0])):
        answers = await asyncio.gather(
            *(impatient.row(ECHO, b"gone") for _ in range(10)), return_exceptions=True
        )

    assert {type(answer) for answer in answers} == {DatabaseUnavailable}
    assert list(await impatient.row(ECHO, b"here")) == [b"here"]


async def test_a_statement_whose_connection_breaks_is_run_again(
    database: Database, sql: Sql
) -> None:
    sql("CREATE SEQUENCE attempts")

    assert list(await database.row(BREAK_ONCE, b"7")) == [b"7"]


async def test_a_statement_that_takes_too_long_is_given_up(impatient: Database) -> None:
    with anyio.fail_after(SECONDS), pytest.raises(DatabaseUnavailable):
        await impatient.row(SLEEP, b"60")

    assert list(await impatient.row(ECHO, b"on")) == [b"on"]


async def test_a_server_that_goes_silent_is_unavailable_within_the_timeout(
    database_url: str,
) -> None:
    async with (
        a_line_to(database_url) as line,
        Database(line.url, pool_size=2, timeout_seconds=0.3) as database,
    ):
        await database.row(ECHO, b"here")
        line.dead.set()
        with anyio.fail_after(3), pytest.raises(DatabaseUnavailable):
            await database.row(ECHO, b"gone")


async def test_a_server_that_cannot_be_reached_is_unavailable() -> None:
    async with Database(NOWHERE, pool_size=2, timeout_seconds=0.2) as database:
        with anyio.fail_after(SECONDS), pytest.raises(DatabaseUnavailable):
            await database.row(ECHO, b"hello")


async def test_a_database_is_unavailable_until_it_is_migrated(empty_database_url: str) -> None:
    async with Database(empty_database_url, pool_size=2, timeout_seconds=SECONDS) as database:
        with pytest.raises(DatabaseUnavailable, match="not migrated"):
            await database.row(CHECK, b"[]")
        await asyncio.to_thread(migrate, empty_database_url)

        assert list(await database.row(CHECK, b"[]")) == [b"0"]


async def test_a_connection_left_on_a_replica_is_replaced_by_one_that_may_write(
    database_url: str, sql: Sql
) -> None:
    name = database_url.rpartition("/")[2]
    sql("CREATE TABLE note (id int)")
    sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with Database(database_url, pool_size=2, timeout_seconds=SECONDS) as database:
        await database.row(ECHO, b"here")
        sql(
            "BEGIN; SET TRANSACTION READ WRITE; "
            f"ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"
        )

        assert list(await database.row(NOTE, b"1")) == [b"1"]


async def test_a_server_that_forgot_what_was_prepared_is_told_again(
    database: Database, sql: Sql
) -> None:
    sql(
        "CREATE FUNCTION forget(t text) RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN t; END $$"
    )
    for _ in range(2):
        assert list(await database.row(ECHO, b"here")) == [b"here"]
        assert list(await database.row(FORGET, b"all")) == [b"all"]
