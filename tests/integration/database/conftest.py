"""What the tests of the PostgreSQL adapter share."""

from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest

from app.database.database import Database
from app.local.postgres import Postgres
from tests.conftest import at

Sql = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, pool_size=2, timeout_seconds=20) as opened:
        yield opened


@pytest.fixture
def empty_database_url(postgres: Postgres) -> Iterator[str]:
    """A database that nobody has migrated."""
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        yield at(postgres, "empty")
        connection.execute("DROP DATABASE empty WITH (FORCE)")


@pytest.fixture
def sql(database_url: str) -> Sql:
    """Runs a statement over a connection of its own and returns its rows."""

    def run(statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return run
