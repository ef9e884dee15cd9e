"""The few statements that every request makes, over connections that many of them share (ADR 17).

No commit on most of these connections waits for the disk, so that a statement waits for no flush of
another. One connection's commits do: a statement that must last goes there if nobody is before it;
else it commits at once where it is, and then waits for a flush that it shares with all who wait
(ADR 29).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import psycopg

from app.store.lane import Connection, Lane, Row, Statement

LANES: Final = 2
"""A statement that waits for a lock holds up those behind it, and no others."""

FLUSH: Final = Statement(b"flush", b"SELECT pg_logical_emit_message(true, $1::text, '')")
"""The least that PostgreSQL writes to its log; to flush that is to flush all before it."""

Connect = Callable[[], Awaitable[Connection]]


class Lanes:
    """Opens connections when they are first asked for, and new ones for those that broke."""

    def __init__(self, connect: Connect, connect_durably: Connect, silent_seconds: float) -> None:
        """`connect_durably` gives connections whose commits wait for the disk."""
        self._connect = connect
        self._connect_durably = connect_durably
        self._silent_seconds = silent_seconds
        self._lanes: list[Lane] = []
        self._durable: Lane | None = None
        self._whole = False
        self._committed: list[asyncio.Future[None]] = []
        """Those that wait for the next flush."""
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
        """The statement's row. Raises psycopg's errors; OperationalError, too, when there is no
        connection within so many seconds."""
        durable = self._durable
        if durable is None or not self._whole:
            durable = await self._mended(seconds)
        if statement.durable and not len(durable) and not self._committed:
            return await durable.send(statement, parameter)
        row = await min(self._lanes, key=len).send(statement, parameter)
        if statement.durable:
            await self._flushed(durable)
        return row

    def close(self) -> None:
        for lane in self._sound():
            lane.fail(psycopg.OperationalError("the gateway ends"))

    def _sound(self) -> list[Lane]:
        durable = [self._durable] if self._durable is not None else []
        return [lane for lane in (*self._lanes, *durable) if not lane.broken]

    async def _flushed(self, durable: Lane) -> None:
        """Wait until the disk has what was committed so far. `durable` is the connection that there
        was before the commit: another may lead to a server that took over and never saw it."""
        if durable.broken:
            raise psycopg.OperationalError("the connection broke")
        committed = asyncio.get_running_loop().create_future()
        self._committed.append(committed)
        if len(self._committed) == 1:
            durable.once_idle(lambda: self._flush(durable))
        await committed

    def _flush(self, durable: Lane) -> None:
        """One for all who wait now."""
        waiting, self._committed = self._committed, []
        if durable.broken:
            _tell(waiting, psycopg.OperationalError("the connection broke"))
            return
        flush = durable.send(FLUSH, b"gateway")
        flush.add_done_callback(lambda done: _tell(waiting, done.exception()))

    async def _mended(self, seconds: float) -> Lane:
        try:
            async with asyncio.timeout(seconds), self._mending:
                self._lanes = [lane for lane in self._lanes if not lane.broken]
                while len(self._lanes) < LANES:
                    self._lanes.append(self._lane(await self._connect()))
                if self._durable is None or self._durable.broken:
                    self._durable = self._lane(await self._connect_durably())
                self._whole = len(self._sound()) > LANES
                return self._durable
        except TimeoutError as error:
            raise psycopg.OperationalError("the server lets nobody in") from error

    def _lane(self, connection: Connection) -> Lane:
        return Lane(connection, self._silent_seconds, self._broke)

    def _broke(self) -> None:
        self._whole = False


def _tell(waiting: Iterable[asyncio.Future[None]], error: BaseException | None) -> None:
    for one in waiting:
        if one.done():
            continue  # whoever asked has gone
        if error is None:
            one.set_result(None)
        else:
            one.set_exception(error)
