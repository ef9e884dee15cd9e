"""`/v1/usage` for many clients: reports run on few connections, and no key may take them all."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.domain.identity import KeyId
from app.domain.keys import Caller
from app.errors import DatabaseUnavailable
from app.service.reports import OwnUsage, Reports

SECONDS_BETWEEN: Final = 1
"""Between the end of a reading and the next of the same key."""

AT_ONCE: Final = 1
"""Keys whose usage is read at one time. Reports and upkeep have two connections, so one is free."""

LONGEST_WAIT_SECONDS: Final = 10


@dataclass(slots=True)
class _Reading:
    task: asyncio.Task[OwnUsage]
    read_at: float | None = None
    """Monotonic seconds; None while it is being read."""


class OwnUsages:
    """Reads each key's usage at most once a second, and one key's at a time."""

    def __init__(self, reports: Reports, monotonic: Callable[[], float]) -> None:
        self._reports = reports
        self._monotonic = monotonic
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._readings: dict[KeyId, _Reading] = {}

    async def of(self, caller: Caller) -> OwnUsage:
        """What a key's owner may know. Requests that come while the key's next reading has not
        begun share it, so nobody gets what was read before they asked.

        Raises:
            DatabaseUnavailable: The database is away, or too many keys wait before this one.
        """
        self._forget_old()
        reading = self._readings.get(caller.key.id)
        if reading is None or reading.read_at is not None:
            wait = 0.0
            if reading is not None and reading.read_at is not None:
                wait = reading.read_at + SECONDS_BETWEEN - self._monotonic()
            reading = self._readings[caller.key.id] = _Reading(
                asyncio.create_task(self._read(caller, wait))
            )
            reading.task.add_done_callback(lambda _: self._keep(caller.key.id))
        # A client that goes away does not end what others wait for.
        return await asyncio.shield(reading.task)

    async def _read(self, caller: Caller, wait: float) -> OwnUsage:
        await asyncio.sleep(wait)
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable(
                "Too many usage reports are being read; try again in a moment."
            ) from error
        try:
            return await self._reports.own(caller)
        finally:
            self._turn.release()

    def _keep(self, key_id: KeyId) -> None:
        """Errors are told to those who waited, and to nobody later."""
        reading = self._readings[key_id]
        if reading.task.cancelled() or reading.task.exception() is not None:
            del self._readings[key_id]
        else:
            reading.read_at = self._monotonic()

    def _forget_old(self) -> None:
        oldest = self._monotonic() - SECONDS_BETWEEN
        for key_id, reading in list(self._readings.items()):
            if reading.read_at is not None and reading.read_at <= oldest:
                del self._readings[key_id]
