"""What a request costs the database: one statement to be let in, one to be settled. (The flush is
shared.)"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, LiteralString

import pytest
from psycopg.rows import AsyncRowFactory

from app.core.budgets import LimitedBy, Limits, LimitScope
from app.core.ids import Author
from app.database.database import Database, Row
from app.database.pipeline import Durable, Statement
from app.database.pipeline import Row as TextRow
from app.ledger.ledger import PostgresLedger
from app.ledger.record import Scope
from tests.support.examples import TODAY, account, hold, settlement


class CountingDatabase(Database):
    """Counts the statements that it is given."""

    statements = 0

    async def rows(
        self,
        query: LiteralString,
        parameters: Mapping[str, Any],
        factory: AsyncRowFactory[Row],
        author: Author | None = None,
    ) -> list[Row]:
        self.statements += 1
        return await super().rows(query, parameters, factory, author)

    async def row(self, statement: Statement, parameter: bytes, owner: str = "") -> TextRow:
        self.statements += 1
        return await super().row(statement, parameter, owner)

    async def row_on_disk(self, statement: Statement, parameter: bytes, owner: str = "") -> TextRow:
        self.statements += 1
        return await super().row_on_disk(statement, parameter, owner)

    async def row_to_last(
        self, statement: Statement, parameter: bytes, owner: str = ""
    ) -> tuple[TextRow, Durable]:
        self.statements += 1
        return await super().row_to_last(statement, parameter, owner)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[CountingDatabase]:
    async with CountingDatabase(database_url, pool_size=2, timeout_seconds=10) as database:
        yield database


async def test_admission_and_settlement_are_one_statement_each_whatever_they_check(
    database: CountingDatabase,
) -> None:
    ledger = PostgresLedger(database)
    accounts = [account(scope, "5", TODAY) for scope in Scope]
    limits = tuple(LimitedBy(scope, "a", Limits(60, 1000, 9)) for scope in LimitScope)
    held = hold(*accounts, limits=limits, tokens=10)

    await ledger.hold(held)
    assert database.statements == 1

    await ledger.book(settlement(held))
    assert database.statements == 2

    await ledger.settle(settlement(held))
    assert database.statements == 3
