"""The few statements that every request makes, over connections that many of them share (ADR 17).

No commit on these connections waits for the disk. On one connection more they all do: it flushes
what the others committed, for all at once, and runs what has to be on disk first (ADR 29).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import psycopg

from app.store.lane import Connection, Lane, Row, Statement

LANES: Final = 2
"""A statement that waits for a lock holds up those behind it, and no others."""

FLUSH: Final = Statement(b"flush", b"SELECT pg_logical_emit_message(true, $1::text, '')")
"""The least that PostgreSQL writes to its log; to flush that is to flush all before it."""

FLUSHED_AFTER_SECONDS: Final = 0.01
"""What is committed meanwhile shares the flush."""

Connect = Callable[[], Awaitable[Connection]]
Lasts = asyncio.Future[bool]
"""Whether what was committed is on disk, once that is known. If not, it may be lost."""


@dataclass(frozen=True, slots=True)
class _Flush:
    """A flush that is to come, and where."""

    flusher: Lane
    lasts: Lasts

    def send(self) -> None:
        try:
            sent = self.flusher.send(FLUSH, b"gateway")
        except psycopg.OperationalError:
            self.lasts.set_result(False)
            return
        sent.add_done_callback(lambda done: self.lasts.set_result(done.exception() is None))


class Lanes:
    """Opens connections when they are first asked for, and new ones for those that broke."""

    def __init__(self, connect: Connect, connect_durably: Connect, silent_seconds: float) -> None:
        """`connect_durably` gives connections whose commits wait for the disk."""
        self._connect = connect
        self._connect_durably = connect_durably
        self._silent_seconds = silent_seconds
        self._lanes: list[Lane] = []
        self._flusher: Lane | None = None
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
        too, when there is no connection within so many seconds."""
        await self._ready(seconds)
        return await min(self._lanes, key=len).send(statement, parameter)

    async def run_on_disk(self, statement: Statement, parameter: bytes, seconds: float) -> Row:
        """The same, once it is on disk."""
        flusher = await self._ready(seconds)
        return await flusher.send(statement, parameter)

    async def run_to_last(
        self, statement: Statement, parameter: bytes, seconds: float
    ) -> tuple[Row, Lasts]:
        """The statement's row, once it is committed, and whether it lasts."""
        flusher = await self._ready(seconds)
        row = await min(self._lanes, key=len).send(statement, parameter)
        return row, self._flush(flusher)

    def close(self) -> None:
        for lane in self._sound():
            lane.fail(psycopg.OperationalError("the gateway ends"))

    def _sound(self) -> list[Lane]:
        flusher = [self._flusher] if self._flusher is not None else []
        return [lane for lane in (*self._lanes, *flusher) if not lane.broken]

    def _flush(self, flusher: Lane) -> Lasts:
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

    async def _ready(self, seconds: float) -> Lane:
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

    def _lane(self, connection: Connection) -> Lane:
        return Lane(connection, self._silent_seconds, self._broke)

    def _broke(self) -> None:
        self._whole = False
