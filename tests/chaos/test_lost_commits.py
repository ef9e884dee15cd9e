"""What PostgreSQL had committed, and not yet on disk when it crashed."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from app.core.tasks import DetachedTasks
from app.database import pipeline
from app.database.database import Database
from app.ledger.ledger import PostgresLedger
from app.ledger.settling import Settler
from tests.chaos.server import Server
from tests.chaos.stories import Ground
from tests.support.examples import account, hold, settlement
from tests.support.fakes import MemorySpool
from tests.support.waiting import until

COMMIT_LAZILY = "SET synchronous_commit = off; SELECT pg_logical_emit_message(true, '', '')"
ALL_FLUSHED = "SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()"


@pytest.fixture
async def lazy(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A server that leaves what nobody waits for in memory, and a gateway that flushes late."""
    server = ground.server
    monkeypatch.setattr(pipeline, "FLUSHED_AFTER_SECONDS", 3)
    await asyncio.to_thread(server.set, "autovacuum", "off")
    # A log writer that has had nothing to do for long is woken by any commit, this one's too.
    await asyncio.to_thread(server.ask, COMMIT_LAZILY)
    await until(lambda: server.ask(ALL_FLUSHED) == [(True,)])
    await asyncio.to_thread(server.set, "wal_writer_delay", "10s")
    yield server
    for name in ("wal_writer_delay", "autovacuum"):
        await asyncio.to_thread(server.set, name, None)


def logged(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [id_ for (id_,) in connection.execute("SELECT request_id FROM spend_log")]


async def test_a_settlement_that_a_crash_loses_is_made_again(lazy: Server) -> None:
    url = await asyncio.to_thread(lazy.new_database)
    one, background = settlement(hold(account())), DetachedTasks()
    async with Database(url, pool_size=2, timeout_seconds=5) as database:
        settler = Settler(PostgresLedger(database), MemorySpool(), background)
        await settler.settle(one)
        committed = await asyncio.to_thread(logged, url)
        await lazy.do(lazy.crash)
        await lazy.do(lazy.postgres.start)
        recovered = await asyncio.to_thread(logged, url)

        await background.finish()

    id_ = one.request_id
    assert (committed, recovered, await asyncio.to_thread(logged, url)) == ([id_], [], [id_])
