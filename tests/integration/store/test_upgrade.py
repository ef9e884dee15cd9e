"""A database of an earlier version goes on working: nobody's key, hold or spend is lost."""

from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from app.domain.budgets import LIFETIME, Budget
from app.domain.identity import KeyHash, UserId
from app.domain.ledger import Account, Scope
from app.store.database import Database
from app.store.directory import PostgresDirectory
from app.store.ledger import PostgresLedger
from app.store.migrate import migrate, migrations
from app.store.records import PostgresRecords
from app.store.spending import PostgresSpending
from tests.support.examples import settlement

KEY = "a" * 64
BEGUN = datetime(2026, 11, 20, 9, tzinfo=UTC)

FIRST_RELEASE = "0003"
AS_IT_WAS = f"""
INSERT INTO gateway_user (user_id, max_budget) VALUES ('ada', 50);
INSERT INTO gateway_user (user_id, user_email, created_at)
    VALUES ('bob', 'Bob@example.org', '2026-01-01'), ('bob-2', ' bob@EXAMPLE.org', '2026-01-02'),
           ('bob-3', 'bob@example.org', '2026-01-03'), ('eve', 'eve@example.org', '2026-01-03'),
           ('one', NULL, '2026-01-03'), ('two', NULL, '2026-01-03');
INSERT INTO api_key (key_hash, key_name, user_id, models, max_budget, budget_duration)
    VALUES ('{KEY}', 'sk-...abcd', 'ada', '{{claude-haiku-4-5}}', 5, '1d');
INSERT INTO budget_account (scope, id, window_start, spent, held)
    VALUES ('key', '{KEY}', 'epoch', 3, 0), ('user', 'ada', 'epoch', 3, 0.25);
INSERT INTO spend_log
    VALUES ('req-1', '{BEGUN}', '{BEGUN}', '{KEY}', 'ada', 'anthropic', 'claude-haiku-4-5', 'b',
            10, 20, 0, 0, 0, 3, false, 'completed', 200, true, 5, 'aws', 's', 'c');
INSERT INTO reservation
    VALUES ('req-2', 'old-gateway', '{BEGUN}', '{KEY}', 'ada', 'claude-haiku-4-5', 'b',
            ARRAY['key', 'user'], ARRAY['{KEY}', 'ada'],
            ARRAY['epoch', 'epoch']::timestamptz[], ARRAY[NULL, 50]::numeric[], 0.25);
"""


@pytest.fixture
def upgraded(empty_database_url: str) -> str:
    """The first version, in use, brought to today's."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE schema_migration (name text PRIMARY KEY, digest text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for migration in migrations():
            if migration.name[:4] <= FIRST_RELEASE:
                connection.execute(migration.sql.encode())
                connection.execute(
                    "INSERT INTO schema_migration VALUES (%s, %s)",
                    (migration.name, migration.digest),
                )
        connection.execute(AS_IT_WAS.encode())
    migrate(empty_database_url)
    return empty_database_url


async def test_a_key_goes_on_working_with_its_budget_and_what_it_spent(upgraded: str) -> None:
    async with Database(upgraded, pool_size=2, timeout_seconds=10) as database:
        records = PostgresRecords(database)
        caller = (await PostgresDirectory(database).find([KeyHash(KEY)]))[KeyHash(KEY)]
        spent = await records.spent(Account(Scope.KEY, caller.key.id, LIFETIME, None))

    assert (caller.key.id, caller.key.user_id) == (KEY, UserId("ada"))
    assert caller.key.allowance.models == ("claude-haiku-4-5",)
    assert caller.key.allowance.budget == Budget(Decimal(5), "1d")
    assert caller.user is not None
    assert caller.user.allowance.budget.max == 50
    assert spent == 3


async def test_a_hold_of_before_is_settled_where_it_was_made(upgraded: str) -> None:
    async with Database(upgraded, pool_size=2, timeout_seconds=10) as database:
        ledger, spending = PostgresLedger(database), PostgresSpending(database)
        (orphan,) = await ledger.orphans(60)
        await ledger.settle(settlement(orphan, cost="0.25", ending="owner_lost"))
        standings = await spending.standings(orphan.accounts)
        await spending.summarise(1000)
        findings = await spending.check(BEGUN.date(), [])

    assert [(s.spent, s.held) for s in standings] == [(Decimal("3.25"), Decimal(0))] * 2
    assert findings == []


def test_users_of_one_address_keep_it_and_nobody_else_gets_it(upgraded: str) -> None:
    with psycopg.connect(upgraded, autocommit=True) as connection:
        marked = connection.execute(
            "SELECT user_id FROM gateway_user WHERE duplicate_email ORDER BY user_id"
        ).fetchall()
        kept = connection.execute(
            "SELECT count(*) FROM gateway_user WHERE user_email ILIKE '%bob%'"
        ).fetchall()
        for taken in ("bob@example.org", "EVE@example.org"):
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute(
                    "INSERT INTO gateway_user (user_id, user_email) VALUES ('new', %s)", (taken,)
                )
        # Another address ends the mark.
        connection.execute("UPDATE gateway_user SET rpm_limit = 1 WHERE user_id = 'bob-2'")
        connection.execute("UPDATE gateway_user SET user_email = 'b3@b' WHERE user_id = 'bob-3'")
        left = connection.execute("SELECT user_id FROM gateway_user WHERE duplicate_email")

        assert (marked, kept) == ([("bob-2",), ("bob-3",)], [(3,)])
        assert left.fetchall() == [("bob-2",)]
