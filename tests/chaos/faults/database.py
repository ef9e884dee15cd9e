"""The way to PostgreSQL, and PostgreSQL itself."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import psycopg

from tests.chaos.load import ANSWERED, ERROR_EVENT
from tests.chaos.server import small_disk, standby_of
from tests.chaos.story import Place, Report, story
from tests.chaos.world import World, world

AWAY: Final = "503"
REFUSED: Final = 6
"""So many requests are to be refused before a fault is mended."""


async def cut(place: Place) -> Report:
    """Connections are reset, and none is let in."""
    return await _relayed(place, lambda w: w.database.cut())


async def silent(place: Place) -> Report:
    """Packets vanish: nobody is told that nobody listens."""

    def silence(w: World) -> None:
        w.database.silent = True

    return await _relayed(place, silence)


async def _relayed(place: Place, breaks: Callable[[World], None]) -> Report:
    async with world(place) as w:
        async with w.under_load() as load:
            for _ in range(place.size.times):
                await asyncio.to_thread(breaks, w)
                await load.answers(REFUSED, AWAY)
                w.database.mend()
                await w.recovers()
        return await w.report()


async def slow(place: Place) -> Report:
    """Each message to and from PostgreSQL takes 40 ms more: slower, and nobody is refused."""
    async with world(place) as w:
        async with w.under_load() as load:
            w.database.delay_seconds = 0.04
            await load.answers(2 * place.size.answers)
            w.database.mend()
        return await w.report()


async def restarted(place: Place) -> Report:
    """As by maintenance: sessions end, the server goes and comes."""
    return await _server_gone(place, place.server.postgres.stop)


async def crashed(place: Place) -> Report:
    """Nothing is flushed; the server recovers from its log."""
    return await _server_gone(place, place.server.crash)


async def _server_gone(place: Place, goes: Callable[[], None]) -> Report:
    async with world(place) as w:
        async with w.under_load() as load:
            for _ in range(place.size.times):
                await place.server.do(goes)
                try:
                    await load.answers(REFUSED, AWAY)
                finally:
                    await place.server.do(place.server.postgres.start)
                await w.recovers()
        return await w.report()


async def failed_over(place: Place) -> Report:
    """The primary dies, its standby is promoted, and the address leads there."""
    server = place.server
    async with world(place) as w:
        with standby_of(server) as standby:
            try:
                async with w.under_load() as load:
                    await server.do(server.crash)
                    await load.answers(REFUSED, AWAY)
                    await asyncio.to_thread(standby.ask, "SELECT pg_promote()")
                    port = standby.postgres.port
                    assert port is not None
                    await asyncio.to_thread(w.database.lead_to, port)
                w.database_url = standby.address(place.database_url.rpartition("/")[2])
                return await w.report()
            finally:
                await server.do(server.postgres.start)
                server.set("synchronous_standby_names", None)


async def read_only(place: Place) -> Report:
    """It answers, and takes no changes: what is left of a failover, or an operator's lock."""
    server = place.server
    async with world(place) as w:
        async with w.under_load() as load:
            await asyncio.to_thread(server.set, "default_transaction_read_only", "on")
            try:
                await load.answers(REFUSED, AWAY)
            finally:
                await asyncio.to_thread(server.set, "default_transaction_read_only", None)
        return await w.report()


async def crowded(place: Place) -> Report:
    """Others take all connections, at a moment when the gateway has to open its own anew."""
    server = place.server
    async with world(place) as w:
        async with w.under_load() as load:
            with ExitStack() as others:
                await asyncio.to_thread(w.database.cut)
                await asyncio.to_thread(_take_all, others, server.postgres.dsn)
                w.database.mend()
                await load.answers(REFUSED, AWAY)
        return await w.report()


def _take_all(others: ExitStack, dsn: str) -> None:
    while True:
        try:
            others.enter_context(psycopg.connect(dsn))
        except psycopg.OperationalError:
            return


async def full(place: Place) -> Report:
    """The disk of its data has no room left; then there is some again."""
    server, name = place.server, place.database_url.rpartition("/")[2]
    owner = server.postgres.data.stat().st_uid
    with small_disk(server.postgres.directory.parent / name, "24m", owner) as disk:
        server.ask(f"CREATE TABLESPACE small_{name} LOCATION '{disk}'")
        server.ask(f"ALTER DATABASE {name} SET TABLESPACE small_{name}")
        async with world(place) as w:
            async with w.under_load() as load:
                await asyncio.to_thread(_fill, w)
                await load.answers(REFUSED, AWAY)
                await asyncio.to_thread(w.queries.execute, "DROP TABLE filler")
            report = await w.report()
        server.ask(f"DROP DATABASE {name} WITH (FORCE)")
        server.ask(f"DROP TABLESPACE small_{name}")
    return report


def _fill(w: World) -> None:
    w.queries.execute("CREATE TABLE filler (rest text)")
    for rows in (1000, 100, 10, 1):
        room = True
        while room:
            try:
                w.queries.execute(
                    f"INSERT INTO filler SELECT repeat('x', 1900) FROM generate_series(1, {rows})"
                )
            except psycopg.errors.DiskFull:
                room = False


async def spool_full(place: Place) -> Report:
    """The database is away, and there is no room to write settlements down until it is back."""
    with small_disk(place.directory / "spool", "4k", 0) as disk:
        (disk / "filler").write_bytes(b"x" * 4096)
        async with world(place) as w:
            async with w.under_load() as load:
                await asyncio.to_thread(w.database.cut)
                await load.answers(REFUSED, AWAY)
                w.database.mend()
            return await w.report()


async def locked(place: Place) -> Report:
    """Somebody keeps the rows of one key's budgets locked for longer than a request may wait: its
    requests are refused, and those of the others are answered."""
    async with world(place) as w:
        async with w.under_load() as load:
            await load.answers(place.size.answers)
            for _ in range(place.size.times):
                with psycopg.connect(w.database_url) as connection:
                    connection.execute(
                        "SELECT FROM budget_counter WHERE scope = 'key' AND id = "
                        "(SELECT key_id FROM api_key WHERE max_budget IS NOT NULL LIMIT 1) "
                        "FOR UPDATE"
                    )
                    await load.answers(2, AWAY)
                    await load.answers(place.size.answers, ANSWERED)
        return await w.report()


STORIES: Final = (
    story("database-cut", "connections to PostgreSQL are reset", cut, AWAY, ERROR_EVENT),
    story("database-silent", "PostgreSQL's packets vanish", silent, AWAY, ERROR_EVENT),
    story("database-slow", "each message to PostgreSQL takes 40 ms more", slow),
    story("database-restart", "PostgreSQL is restarted (fast)", restarted, AWAY, ERROR_EVENT),
    story("database-crash", "PostgreSQL crashes (immediate)", crashed, AWAY, ERROR_EVENT),
    story("database-failover", "PostgreSQL fails over", failed_over, AWAY, ERROR_EVENT),
    story("database-read-only", "PostgreSQL takes no changes", read_only, AWAY, ERROR_EVENT),
    story("database-crowded", "others take all connections", crowded, AWAY, ERROR_EVENT),
    story("database-locked", "the budget of one key is locked", locked, AWAY, ERROR_EVENT),
    story("database-full", "its disk is full", full, AWAY, ERROR_EVENT, needs_root=True),
    story(
        "spool-full",
        "no database, and no room to spool",
        spool_full,
        AWAY,
        ERROR_EVENT,
        needs_root=True,
    ),
)
