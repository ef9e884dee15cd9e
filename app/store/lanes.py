"""The few statements that every request makes, over connections that many of them share (ADR 17).

No commit on most of these connections waits for the disk, so that a statement waits for no flush of
another. One connection's commits do: a statement that must last goes there if nobody is before it;
else it commits at once where it is, and then waits for a flush that it shares with all who wait
(ADR 29).
"""

import asyncio
from collections.abc import Awaitable, Callable
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
        self._flush: asyncio.Task[None] | None = None
        """One that waits for its turn; who comes later waits for the same."""
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
        if durable is None or self.connections <= LANES:
            durable = await self._mended(seconds)
        if statement.durable and not len(durable) and self._flush is None:
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
        if self._flush is None:
            self._flush = asyncio.create_task(self._flush_in_turn(durable))
            self._flush.add_done_callback(_heard)
        await asyncio.shield(self._flush)

    async def _flush_in_turn(self, durable: Lane) -> None:
        await durable.idle()
        self._flush = None
        await durable.send(FLUSH, b"gateway")

    async def _mended(self, seconds: float) -> Lane:
        try:
            async with asyncio.timeout(seconds), self._mending:
                self._lanes = [lane for lane in self._lanes if not lane.broken]
                while len(self._lanes) < LANES:
                    self._lanes.append(Lane(await self._connect(), self._silent_seconds))
                if self._durable is None or self._durable.broken:
                    self._durable = Lane(await self._connect_durably(), self._silent_seconds)
                return self._durable
        except TimeoutError as error:
            raise psycopg.OperationalError("the server lets nobody in") from error


def _heard(flush: asyncio.Task[None]) -> None:
    """Its failure is that of all who wait for it; there may be nobody any more."""
    if not flush.cancelled():
        flush.exception()
