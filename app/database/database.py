"""The connection pool, and the one place where database errors become ours."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from types import TracebackType
from typing import Any, Final, LiteralString, Protocol, Self, TypeVar

import psycopg
from psycopg import errors
from psycopg.rows import AsyncRowFactory
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from app.core.fairness import FairShare
from app.core.ids import Author
from app.database.migrate import (
    Applied,
    Migration,
    MigrationError,
    check_address,
    migrations,
    missing,
    newer,
)
from app.database.pipeline import Connection, Durable, LedgerConnections, Statement
from app.database.pipeline import Row as TextRow
from app.errors import DatabaseUnavailable


class Health(Protocol):
    """Whether the gateway could serve a request now."""

    @cached_property
    def _migrations(self) -> list[Migration]:
        """Read once, not for each health check."""
        return migrations()

    async def problem(self) -> str | None:
        """What is in the way, in a few words; None when nothing is."""


log = logging.getLogger(__name__)

Row = TypeVar("Row")

Answer = TypeVar("Answer")

RETRY_PAUSE_SECONDS = 0.05

RECONNECT_SECONDS = 5
"""The pool restarts its back-off after this time, so that it reconnects soon after an outage."""

LOCK_MILLISECONDS = 100
"""How long a statement waits for a lock on a connection that it shares."""

PATIENT = 4
"""So many owners' statements wait for locks at the same time, one of each on a connection."""

SILENT_SECONDS = 0.5
"""The server ends a statement at the timeout; so long after it, a silent one is taken for dead."""

BY_INDEX: Final = (
    "-c plan_cache_mode=force_generic_plan -c jit=off"
    " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
)
"""For statements that look up by keys alone. Planning them for each parameter costs more than
running them; and a plan that was made while a table was nearly empty reads it from end to end, and
is kept while it fills."""

PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.InvalidSqlStatementName,
    # A migration changed a table between a session's plan and its run; the next run plans anew.
    errors.InternalError_,
    errors.FeatureNotSupported,
)
"""What a second attempt may not meet again."""

AWAY = "The gateway's database does not answer. Nothing was charged; try again in a moment."

NAME_AUTHOR: LiteralString = """
SELECT set_config('gateway.actor', %(name)s, true),
       set_config('gateway.request_id', %(request_id)s, true)
"""

APPLIED: LiteralString = "SELECT name, digest FROM schema_migration"


class Database:
    """A pool of autocommit connections. Statements that it runs may be repeated once more when a
    connection broke, so they are idempotent."""

    def __init__(
        self, dsn: str, *, pool_size: int, timeout_seconds: float, kept_open: int = 2
    ) -> None:
        """Raises ValueError for an address that cannot be read."""
        check_address(dsn)
        self._timeout = timeout_seconds
        self._told_of_later = False
        options: dict[str, Any] = {
            "autocommit": True,
            "connect_timeout": max(2, round(timeout_seconds)),
            "application_name": "stargate-gateway",
            "options": f"-c statement_timeout={round(timeout_seconds * 1000)}",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        }
        self._pool = AsyncConnectionPool(
            dsn,
            open=False,
            min_size=kept_open,
            max_size=pool_size,
            timeout=timeout_seconds,
            reconnect_timeout=RECONNECT_SECONDS,
            kwargs=options,
        )
        self._connect: Callable[[], Awaitable[Connection]] = lambda: (
            psycopg.AsyncConnection.connect(dsn, **options)
        )
        self._search: asyncio.Task[None] | None = None
        self._locked: Counter[str] = Counter()
        self._patient = FairShare(PATIENT, 1)
        shared = f"{options['options']} {BY_INDEX} -c lock_timeout={LOCK_MILLISECONDS}"
        durably = {**options, "options": shared}
        at_once = {**durably, "options": f"{durably['options']} -c synchronous_commit=off"}
        self._lanes = LedgerConnections(
            lambda: psycopg.AsyncConnection.connect(dsn, **at_once),
            lambda: psycopg.AsyncConnection.connect(dsn, **durably),
            timeout_seconds + SILENT_SECONDS,
        )

    async def __aenter__(self) -> Self:
        await self._pool.open(wait=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._search is not None:
            self._search.cancel()
        self._lanes.close()
        await self._pool.close()

    async def row(self, statement: Statement, parameter: bytes, owner: str = "") -> TextRow:
        """Run a statement of the kind that every request makes; its columns as text. One that waits
        for a lock delays those of the same `owner` alone. Raises DatabaseUnavailable after the
        timeout."""
        return await self._unlocked(
            owner,
            lambda seconds: self._lanes.run(statement, parameter, seconds),
            lambda: self._pooled(statement, parameter),
        )

    async def row_on_disk(self, statement: Statement, parameter: bytes, owner: str = "") -> TextRow:
        """The same, once what it changed is on disk."""
        return await self._unlocked(
            owner,
            lambda seconds: self._lanes.run_on_disk(statement, parameter, seconds),
            lambda: self._pooled(statement, parameter),
        )

    async def row_to_last(
        self, statement: Statement, parameter: bytes, owner: str = ""
    ) -> tuple[TextRow, Durable]:
        """Its row at once, and whether what it changed is on disk."""

        async def pooled() -> tuple[TextRow, Durable]:
            row = await self._pooled(statement, parameter)
            lasts: Durable = asyncio.get_running_loop().create_future()
            lasts.set_result(True)
            return row, lasts

        return await self._unlocked(
            owner, lambda seconds: self._lanes.run_to_last(statement, parameter, seconds), pooled
        )

    async def _unlocked(
        self,
        owner: str,
        shared: Callable[[float], Awaitable[Answer]],
        pooled: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """Run on a shared connection; on one of its own what meets a lock there, and what comes of
        the same owner meanwhile."""

        async def attempt(seconds: float) -> Answer:
            if owner not in self._locked:
                with contextlib.suppress(errors.LockNotAvailable):
                    return await shared(seconds)
            self._locked[owner] += 1
            try:
                async with asyncio.timeout(seconds):
                    with await self._patient.take(owner):
                        return await pooled()
            finally:
                self._locked[owner] -= 1
                if not self._locked[owner]:
                    del self._locked[owner]

        return await self._repeated(attempt)

    async def _pooled(self, statement: Statement, parameter: bytes) -> TextRow:
        async with self._pool.connection() as connection:
            cursor = await psycopg.AsyncRawCursor(connection).execute(
                statement.sql, [parameter.decode()]
            )
            result = cursor.pgresult
            if result is None:
                raise psycopg.InterfaceError("no result")
            return [result.get_value(0, column) for column in range(result.nfields)]

    async def rows(
        self,
        query: LiteralString,
        parameters: Mapping[str, Any],
        factory: AsyncRowFactory[Row],
        author: Author | None = None,
    ) -> list[Row]:
        """Run one statement and return its rows. What it changes is entered in the audit log under
        `author`. Raises DatabaseUnavailable after the timeout."""
        silent = self._timeout + SILENT_SECONDS
        try:
            # The first of these makes psycopg cancel the statement, the second stops it waiting.
            async with asyncio.timeout(silent + SILENT_SECONDS), asyncio.timeout(silent):
                return await self._repeated(
                    lambda seconds: self._attempt(query, parameters, factory, author, seconds)
                )
        except TimeoutError as error:
            raise DatabaseUnavailable(AWAY) from error

    async def _repeated(self, attempt: Callable[[float], Awaitable[Answer]]) -> Answer:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        while True:
            try:
                return await attempt(deadline - loop.time())
            except (PoolTimeout, errors.QueryCanceled, TimeoutError) as error:
                raise DatabaseUnavailable(AWAY) from error
            except (errors.UndefinedTable, errors.UndefinedFunction) as error:
                raise DatabaseUnavailable("The gateway's database is not migrated.") from error
            except PASSING as error:
                if loop.time() + RETRY_PAUSE_SECONDS >= deadline:
                    raise DatabaseUnavailable(AWAY) from error
                await self._until_back(deadline - loop.time())

    async def _until_back(self, seconds: float) -> None:
        """Wait until the database answers, at most `seconds`; all who wait share one search."""
        if self._search is None or self._search.done():
            self._search = asyncio.create_task(self._find())
        await asyncio.wait({self._search}, timeout=max(0, seconds))

    async def _find(self) -> None:
        """Try a new connection every now and then, for as long as a request may wait."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                while True:
                    await asyncio.sleep(RETRY_PAUSE_SECONDS)
                    with contextlib.suppress(psycopg.OperationalError):
                        async with await self._connect() as connection:
                            await connection.execute("SELECT 1")
                        await self._pool.check()
                        return

    async def execute(
        self, query: LiteralString, parameters: Mapping[str, Any], author: Author | None = None
    ) -> None:
        """Run one statement that returns nothing of interest."""
        await self.rows(query, parameters, _no_row, author)

    async def _attempt(
        self,
        query: LiteralString,
        parameters: Mapping[str, Any],
        factory: AsyncRowFactory[Row],
        author: Author | None,
        seconds: float,
    ) -> list[Row]:
        async with self._pool.connection(timeout=max(seconds, 0)) as connection:
            try:
                if author is None:
                    return await _run(connection, query, parameters, factory)
                async with connection.transaction():
                    named = {"name": author.name, "request_id": author.request_id or ""}
                    await connection.execute(NAME_AUTHOR, named)
                    return await _run(connection, query, parameters, factory)
            except errors.ReadOnlySqlTransaction as error:
                # A failover left this connection on the replica.
                await connection.close()
                raise psycopg.OperationalError(str(error)) from error

    def connections(self) -> int:
        return self._pool.get_stats().get("pool_size", 0) + self._lanes.connections

    def connections_used(self) -> int:
        stats = self._pool.get_stats()
        return stats.get("pool_size", 0) - stats.get("pool_available", 0) + self._lanes.used

    def requests_waiting(self) -> int:
        return self._pool.get_stats().get("requests_waiting", 0) + self._lanes.waiting

    @cached_property
    def _migrations(self) -> list[Migration]:
        """Read once, not for each health check."""
        return migrations()

    async def problem(self) -> str | None:
        """What keeps the database from serving requests; None when nothing does."""
        from_class = psycopg.rows.class_row(Applied)
        try:
            applied = await self.rows(APPLIED, {}, from_class)
            known = self._migrations
            pending = missing(applied, known)
        except DatabaseUnavailable as error:
            return error.message
        except MigrationError as error:
            return str(error)
        if (later := newer(applied, known)) and not self._told_of_later:
            self._told_of_later = True
            log.warning("the database is newer than this gateway", extra={"migrations": later})
        if pending:
            return f"migrations are missing: {', '.join(m.name for m in pending)}"
        return None


async def _run(
    connection: psycopg.AsyncConnection[Any],
    query: LiteralString,
    parameters: Mapping[str, Any],
    factory: AsyncRowFactory[Row],
) -> list[Row]:
    cursor = await connection.cursor(row_factory=factory).execute(query, parameters)
    return await cursor.fetchall() if cursor.description else []


def _no_row(cursor: psycopg.AsyncCursor[Any]) -> psycopg.rows.RowMaker[None]:
    del cursor
    return lambda values: None
