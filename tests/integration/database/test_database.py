"""What becomes of a statement when the database is not as it should be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import LiteralString
from urllib.parse import urlsplit

import anyio
import pytest
from psycopg.rows import scalar_row

from app.database.database import Database
from app.errors import DatabaseUnavailable
from tests.integration.database.conftest import Sql

SECONDS = 20
NOWHERE = "postgresql://me:hush@127.0.0.1:9/gateway"


@dataclass
class Line:
    """A connection to the server that can go dead without being closed."""

    url: str
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if self.dead.is_set():
                await asyncio.Event().wait()
            target.write(data)


@asynccontextmanager
async def a_line_to(dsn: str) -> AsyncIterator[Line]:
    where = urlsplit(dsn)
    line = Line("")
    carrying: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(where.hostname, where.port)
        writers.extend([writer, up_writer])
        pairs = ((reader, up_writer), (up_reader, writer))
        carrying.extend(asyncio.create_task(line.carry(*pair)) for pair in pairs)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line.url = dsn.replace(f":{where.port}/", f":{port}/")
    yield line
    server.close()
    for task in carrying:
        task.cancel()
    await asyncio.gather(*carrying, return_exceptions=True)
    for writer in writers:
        writer.close()


async def number(database: Database, query: LiteralString = "SELECT 1") -> object:
    rows: list[object] = await database.rows(query, {}, scalar_row)
    return rows[0]


async def test_a_migrated_database_is_no_problem(database: Database) -> None:
    assert await database.problem() is None


async def test_a_database_that_is_not_migrated_is_a_problem(empty_database_url: str) -> None:
    async with Database(empty_database_url, pool_size=2, timeout_seconds=SECONDS) as database:
        assert await database.problem() == "The gateway's database is not migrated."


async def test_missing_migrations_are_named(database: Database, sql: Sql) -> None:
    sql("DELETE FROM schema_migration WHERE name LIKE '0001%'")

    problem = await database.problem()

    assert problem == "migrations are missing: 0001_pre_initial.sql"


async def test_changed_migrations_are_named(database: Database, sql: Sql) -> None:
    sql("UPDATE schema_migration SET digest = 'x' WHERE name LIKE '0001%'")

    problem = await database.problem()

    assert problem is not None
    assert problem.startswith("0001_pre_initial.sql was changed")


async def test_a_database_that_cannot_be_reached_is_a_problem() -> None:
    async with Database(NOWHERE, pool_size=2, timeout_seconds=0.2) as database:
        problem = await database.problem()

    assert problem is not None
    assert "does not answer" in problem


@pytest.mark.parametrize(
    "dsn",
    ["postgres:/me:hush@db/gateway", "postgresql://me:hush%zz@db/gateway", "hush", "a=hush b"],
)
def test_an_address_that_cannot_be_read_is_refused_and_not_repeated(dsn: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL") as refused:
        Database(dsn, pool_size=2, timeout_seconds=1)

    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_connections_that_were_ended_are_replaced(database: Database, sql: Sql) -> None:
    before = await number(database, "SELECT pg_backend_pid()")
    sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'stargate-gateway' AND datname = current_database()"
    )

    assert await number(database, "SELECT pg_backend_pid()") != before


async def test_a_statement_whose_connection_breaks_is_run_again(
    database: Database, sql: Sql
) -> None:
    sql("CREATE SEQUENCE attempts")

    answer = await number(
        database,
        "SELECT CASE WHEN nextval('attempts') = 1 "
        "THEN pg_terminate_backend(pg_backend_pid())::int ELSE 7 END",
    )

    assert answer == 7


async def test_a_connection_left_on_a_replica_is_replaced_by_one_that_may_write(
    database_url: str, sql: Sql
) -> None:
    name = database_url.rpartition("/")[2]
    sql("CREATE TABLE note (id int)")
    sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with Database(database_url, pool_size=2, timeout_seconds=SECONDS) as database:
        await number(database)
        sql(
            "BEGIN; SET TRANSACTION READ WRITE; "
            f"ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"
        )

        await database.execute("INSERT INTO note VALUES (1)", {})

    assert sql("SELECT id FROM note") == [(1,)]


async def test_a_database_that_stays_read_only_is_unavailable(database_url: str, sql: Sql) -> None:
    name = database_url.rpartition("/")[2]
    sql("CREATE TABLE note (id int)")
    sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with Database(database_url, pool_size=2, timeout_seconds=0.3) as database:
        with pytest.raises(DatabaseUnavailable):
            await database.execute("INSERT INTO note VALUES (1)", {})


async def test_a_statement_that_takes_too_long_is_given_up(database_url: str) -> None:
    async with Database(database_url, pool_size=2, timeout_seconds=0.3) as database:
        with anyio.fail_after(SECONDS), pytest.raises(DatabaseUnavailable):
            await number(database, "SELECT pg_sleep(60)")

        assert await number(database) == 1


async def test_a_request_does_not_wait_long_for_a_free_connection(database_url: str) -> None:
    async with Database(database_url, pool_size=2, timeout_seconds=0.3) as database:
        with anyio.fail_after(SECONDS):
            answers = await asyncio.gather(
                *(number(database, "SELECT pg_sleep(60)") for _ in range(5)),
                return_exceptions=True,
            )

    assert {type(answer) for answer in answers} == {DatabaseUnavailable}


async def test_a_server_that_goes_silent_is_unavailable_within_the_timeout(
    database_url: str,
) -> None:
    async with (
        a_line_to(database_url) as line,
        Database(line.url, pool_size=2, timeout_seconds=0.3) as database,
    ):
        assert await number(database) == 1
        line.dead.set()
        with anyio.fail_after(2), pytest.raises(DatabaseUnavailable):
            await number(database)
