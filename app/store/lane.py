"""One connection in libpq's pipeline mode: a statement is sent while those before it still run.

Each is prepared once, and is a transaction by itself, whose failure is its own. A cursor for each
would cost several times as much as the statement. See ADR 17.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

Connection = psycopg.AsyncConnection[Any]
Row = Sequence[bytes | None]
"""Columns as PostgreSQL writes them as text."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of one parameter that returns one row."""

    name: bytes
    sql: bytes


@dataclass(slots=True)
class _Sent:
    """A statement under way, and what has come of it so far."""

    answer: asyncio.Future[Row]
    statement: Statement
    at: float
    preparing: bool
    row: Row = ()
    error: psycopg.Error | None = None

    def take(self, result: PGresult) -> None:
        if result.status == ExecStatus.COMMAND_OK:
            self.preparing = False
        elif result.status == ExecStatus.FATAL_ERROR:
            self.error = errors.error_from_result(result)
        elif result.status == ExecStatus.TUPLES_OK:
            columns = range(result.nfields)
            self.row = [result.get_value(0, column) for column in columns]

    def finish(self) -> None:
        if self.answer.done():
            return  # whoever asked has gone
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.row)


class Lane:
    """One connection. Once it broke it stays so, and everything under way on it has failed."""

    def __init__(
        self, connection: Connection, silent_seconds: float, broke: Callable[[], None]
    ) -> None:
        """`broke` is called once it did."""
        self._connection = connection
        self._libpq = connection.pgconn
        self._silent_seconds = silent_seconds
        self._broke = broke
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[_Sent] = deque()
        self._prepared: set[Statement] = set()
        self._watch: asyncio.TimerHandle | None = None
        self.broken = False
        # libpq closes its own when a connection breaks, and the next one may get its number.
        self._socket = os.dup(self._libpq.socket)
        self._libpq.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._read)

    def __len__(self) -> int:
        """How many statements are under way."""
        return len(self._under_way)

    def send(self, statement: Statement, parameter: bytes) -> asyncio.Future[Row]:
        """Its row, when it comes; psycopg's errors, or OperationalError when the lane breaks."""
        if self.broken:
            raise psycopg.OperationalError("the connection broke")
        new = statement not in self._prepared
        sent = _Sent(self._loop.create_future(), statement, self._loop.time(), new)
        self._under_way.append(sent)
        try:
            if new:
                self._libpq.send_prepare(statement.name, statement.sql)
                self._prepared.add(statement)
            self._libpq.send_query_prepared(statement.name, [parameter])
            self._libpq.pipeline_sync()
            self._write()
        except psycopg.OperationalError as error:
            self.fail(error)
        if self._watch is None and not self.broken:
            self._watch = self._loop.call_later(self._silent_seconds, self._look)
        return sent.answer

    def fail(self, error: psycopg.OperationalError) -> None:
        """Give the connection up, and everything that is under way on it."""
        if self.broken:
            return
        self.broken = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if self._watch is not None:
            self._watch.cancel()
        os.close(self._socket)
        self._libpq.finish()
        for sent in self._under_way:
            sent.error = error
            sent.finish()
        self._under_way.clear()
        self._broke()

    def _write(self) -> None:
        if self._libpq.flush():
            self._loop.add_writer(self._socket, self._write_on)

    def _write_on(self) -> None:
        try:
            if not self._libpq.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.OperationalError as error:
            self.fail(error)

    def _read(self) -> None:
        try:
            self._libpq.consume_input()
            while self._under_way and not self._libpq.is_busy():
                self._take(self._libpq.get_result())
        except psycopg.OperationalError as error:
            self.fail(error)
            return
        if not self.broken and self._libpq.status != ConnStatus.OK:
            self.fail(psycopg.OperationalError("the server ended the connection"))

    def _take(self, result: PGresult | None) -> None:
        """A statement's results end with that of the synchronisation behind it."""
        if result is None:
            if self._libpq.status != ConnStatus.OK:
                raise psycopg.OperationalError("the server ended the connection")
            return
        if result.status != ExecStatus.PIPELINE_SYNC:
            self._under_way[0].take(result)
            return
        if isinstance(self._under_way[0].error, errors.ReadOnlySqlTransaction):
            # A failover left this connection on the replica.
            self.fail(psycopg.OperationalError("the server takes no changes"))
            return
        sent = self._under_way.popleft()
        if sent.preparing or isinstance(sent.error, errors.InvalidSqlStatementName):
            self._prepared.discard(sent.statement)
        sent.finish()

    def _look(self) -> None:
        """Whether the oldest statement has been waited for too long."""
        self._watch = None
        if not self._under_way:
            return
        left = self._under_way[0].at + self._silent_seconds - self._loop.time()
        if left <= 0:
            self.fail(psycopg.OperationalError("the server is silent"))
        else:
            self._watch = self._loop.call_later(left, self._look)
