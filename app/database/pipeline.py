"""One connection in libpq's pipeline mode: a statement is sent while those before it still run.

Each is prepared once, and is a transaction of its own. A cursor for each
would cost several times as much as the statement. See ADR 17.
"""

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

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


class PipelinedConnection:
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


LANES: Final = 2
"""A statement that waits for a lock holds up those behind it, and no others."""

FLUSH: Final = Statement(b"flush", b"SELECT pg_logical_emit_message(true, $1::text, '')")
"""The least that PostgreSQL writes to its log; to flush that is to flush all before it."""

FLUSHED_AFTER_SECONDS: Final = 0.01
"""What is committed meanwhile shares the flush."""

Connect = Callable[[], Awaitable[Connection]]

Durable = asyncio.Future[bool]
"""Whether what was committed is on disk, once that is known. If not, it may be lost."""


@dataclass(frozen=True, slots=True)
class _Flush:
    """A flush that is to come, and where."""

    flusher: PipelinedConnection
    lasts: Durable

    def send(self) -> None:
        try:
            sent = self.flusher.send(FLUSH, b"gateway")
        except psycopg.OperationalError:
            self.lasts.set_result(False)
            return
        sent.add_done_callback(lambda done: self.lasts.set_result(done.exception() is None))


class LedgerConnections:
    """Opens connections when they are first asked for, and new ones for those that broke."""

    def __init__(self, connect: Connect, connect_durably: Connect, silent_seconds: float) -> None:
        """`connect_durably` gives connections whose commits wait for the disk."""
        self._connect = connect
        self._connect_durably = connect_durably
        self._silent_seconds = silent_seconds
        self._lanes: list[PipelinedConnection] = []
        self._flusher: PipelinedConnection | None = None
        self._whole = False
        self._next_flush: _Flush | None = None
        self._mending = asyncio.Lock()

    @property
    def connections(self) -> int:
        return len(self._sound())

    @property
    def used(self) -> int:
        """Connections that run a statement."""
        return sum(len(lane) > 0 for lane in self._sound())

    @property
    def waiting(self) -> int:
        """Statements that others on their connection are before."""
        return sum(max(0, len(lane) - 1) for lane in self._sound())

    async def run(self, statement: Statement, parameter: bytes, seconds: float) -> Row:
        """The statement's row, once it is committed. Raises psycopg's errors; OperationalError,
        too, when there is no connection within `seconds`."""
        await self._ready(seconds)
        return await min(self._lanes, key=len).send(statement, parameter)

    async def run_on_disk(self, statement: Statement, parameter: bytes, seconds: float) -> Row:
        """The same, once it is on disk."""
        flusher = await self._ready(seconds)
        return await flusher.send(statement, parameter)

    async def run_to_last(
        self, statement: Statement, parameter: bytes, seconds: float
    ) -> tuple[Row, Durable]:
        """The statement's row, once it is committed, and whether it lasts."""
        flusher = await self._ready(seconds)
        row = await min(self._lanes, key=len).send(statement, parameter)
        return row, self._flush(flusher)

    def close(self) -> None:
        for lane in self._sound():
            lane.fail(psycopg.OperationalError("the gateway ends"))

    def _sound(self) -> list[PipelinedConnection]:
        flusher = [self._flusher] if self._flusher is not None else []
        return [lane for lane in (*self._lanes, *flusher) if not lane.broken]

    def _flush(self, flusher: PipelinedConnection) -> Durable:
        """Of all that is committed until it begins. `flusher` is the one that there was before the
        commit: another may lead to a server that took over and never saw it."""
        flush = self._next_flush
        if flush is None or flush.flusher is not flusher:
            loop = asyncio.get_running_loop()
            flush = self._next_flush = _Flush(flusher, loop.create_future())
            loop.call_later(FLUSHED_AFTER_SECONDS, self._begin, flush)
        return flush.lasts

    def _begin(self, flush: _Flush) -> None:
        if self._next_flush is flush:
            self._next_flush = None
        flush.send()

    async def _ready(self, seconds: float) -> PipelinedConnection:
        """The flusher, with every connection sound."""
        if self._whole and self._flusher is not None:
            return self._flusher
        try:
            async with asyncio.timeout(seconds), self._mending:
                self._lanes = [lane for lane in self._lanes if not lane.broken]
                while len(self._lanes) < LANES:
                    self._lanes.append(self._lane(await self._connect()))
                if self._flusher is None or self._flusher.broken:
                    self._flusher = self._lane(await self._connect_durably())
                self._whole = len(self._sound()) > LANES
                return self._flusher
        except TimeoutError as error:
            raise psycopg.OperationalError("the server lets nobody in") from error

    def _lane(self, connection: Connection) -> PipelinedConnection:
        return PipelinedConnection(connection, self._silent_seconds, self._broke)

    def _broke(self) -> None:
        self._whole = False
