"""Changes of keys are heard from PostgreSQL, and after a deaf time everything is doubted."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from app.core.ids import KeyHash
from app.database import notifications as changes
from app.database.database import Database
from app.database.notifications import follow_changes
from app.identity.policy import hash_key
from app.identity.records import PostgresRecords
from tests.integration.database.conftest import Sql
from tests.support.examples import AUTHOR, key, user

EVERYTHING = KeyHash("everything")
KEYS = KeyHash("keys")
MODELS = KeyHash("models")
FIRST, SECOND, OLD = hash_key("sk-1"), hash_key("sk-2"), hash_key("sk-0")


@dataclass
class Heard:
    """Keeps what it is told."""

    queue: "asyncio.Queue[KeyHash]" = field(default_factory=asyncio.Queue)
    all_until: "asyncio.Queue[float]" = field(default_factory=asyncio.Queue)

    def forget(self, key_hash: KeyHash) -> None:
        self.queue.put_nowait(key_hash)

    def forget_keys(self) -> None:
        self.queue.put_nowait(KEYS)

    def models_changed(self) -> None:
        self.queue.put_nowait(MODELS)

    def forget_all(self) -> None:
        self.queue.put_nowait(EVERYTHING)

    def heard_all(self, seconds_ago: float) -> None:
        self.all_until.put_nowait(time.monotonic() - seconds_ago)

    async def next(self) -> KeyHash:
        with anyio.fail_after(60):
            return await self.queue.get()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "RECONNECT_SECONDS", 0)
    monkeypatch.setattr(changes, "ASK_SECONDS", 0.01)


@asynccontextmanager
async def following(dsn: str, errors: list[Exception]) -> AsyncIterator[Heard]:
    heard = Heard()
    task = asyncio.create_task(follow_changes(dsn, heard, errors.append))
    assert await heard.next() == EVERYTHING
    yield heard
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def make_keys(database: Database) -> None:
    records = PostgresRecords(database)
    await records.add_user(user(), key(hash=FIRST, alias="1", user_id=user().id), AUTHOR)
    await records.add_key(key(hash=SECOND, alias="2", user_id=user().id), AUTHOR)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE api_key SET blocked = true WHERE key_alias = '1'", sorted([FIRST, OLD])),
        ("DELETE FROM api_key WHERE key_alias = '2'", [SECOND]),
        ("UPDATE gateway_user SET max_budget = 1", sorted([FIRST, SECOND, OLD])),
        (f"UPDATE previous_key_secret SET valid_until = now() WHERE key_hash = '{OLD}'", [OLD]),
        ("UPDATE budget SET max_budget = 1", [KEYS]),
    ],
)
async def test_a_change_names_the_keys_that_it_touches(
    database: Database, database_url: str, sql: Sql, change: str, told: list[KeyHash]
) -> None:
    await make_keys(database)
    sql(f"INSERT INTO previous_key_secret VALUES ('{OLD}', '{FIRST}', 'sk-...0', now())")
    sql("INSERT INTO budget (budget_id) VALUES ('shared')")
    async with following(database_url, []) as heard:
        sql(change)

        assert sorted([await heard.next() for _ in told]) == told
        assert heard.queue.empty()


async def test_a_new_key_is_told_too(database: Database, database_url: str) -> None:
    async with following(database_url, []) as heard:
        await make_keys(database)

        assert [await heard.next(), await heard.next()] == [FIRST, SECOND]


async def test_what_is_said_to_have_been_heard_of_has_been_told(
    database: Database, database_url: str, sql: Sql
) -> None:
    await make_keys(database)
    async with following(database_url, []) as heard:
        for _ in range(10):
            sql("UPDATE api_key SET blocked = NOT blocked WHERE key_alias = '1'")
            changed_at = time.monotonic()
            with anyio.fail_after(60):
                while await heard.all_until.get() < changed_at:
                    pass

            assert heard.queue.get_nowait() == FIRST


async def test_after_a_lost_connection_everything_is_doubted_and_changes_are_heard_again(
    database: Database, database_url: str, sql: Sql
) -> None:
    await make_keys(database)
    errors: list[Exception] = []
    async with following(database_url, errors) as heard:
        sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'stargate-changes' AND datname = current_database()"
        )
        assert await heard.next() == EVERYTHING
        sql("UPDATE api_key SET blocked = true WHERE key_alias = '1'")

        assert await heard.next() == FIRST
    assert len(errors) == 1


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO beta_rule VALUES ('*', 'a', NULL)",
        "INSERT INTO model_override VALUES ('1', 'mine', '{}')",
    ],
)
async def test_a_change_of_the_models_is_heard(database_url: str, sql: Sql, change: str) -> None:
    async with following(database_url, []) as heard:
        sql(change)

        assert await heard.next() == MODELS
