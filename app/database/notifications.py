"""Receives notifications of changes from PostgreSQL, which invalidate caches at once."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import psycopg

from app.core.ids import KeyHash

RECONNECT_SECONDS = 1.0

ASK_SECONDS = 1.0

ANSWER_SECONDS = 5.0
"""A connection that broke without a word is noticed by asking."""


class Listener(Protocol):
    """Receives changes: of one key, of all keys, of the models; that anything may have changed
    while disconnected; that all changes until a number of seconds ago were received."""

    def forget(self, key_hash: KeyHash) -> None: ...

    def forget_keys(self) -> None: ...

    def models_changed(self) -> None: ...

    def forget_all(self) -> None: ...

    def heard_all(self, seconds_ago: float) -> None: ...


async def follow_changes(
    dsn: str, listener: Listener, on_error: Callable[[Exception], None]
) -> None:
    """Pass each change to `listener` until cancelled; reconnects automatically."""
    while True:
        try:
            await _listen(dsn, listener)
        except (psycopg.Error, OSError) as error:  # TimeoutError is one of the latter
            on_error(error)
        await asyncio.sleep(RECONNECT_SECONDS)


async def _listen(dsn: str, listener: Listener) -> None:
    connection = await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, connect_timeout=5, application_name="stargate-changes"
    )
    async with connection:
        await connection.execute("LISTEN gateway_key")
        await connection.execute("LISTEN gateway_model")
        listener.forget_all()
        while True:
            asked = time.monotonic()
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.execute("SELECT 1")
            # What was announced before the answer has come with it.
            await _tell(listener, connection, 0)
            listener.heard_all(time.monotonic() - asked)
            await _tell(listener, connection, ASK_SECONDS)


async def _tell(
    listener: Listener, connection: "psycopg.AsyncConnection[object]", seconds: float
) -> None:
    """Pass on the notifications of the next `seconds`."""
    async for notification in connection.notifies(timeout=seconds):
        if notification.channel == "gateway_model":
            listener.models_changed()
        elif notification.payload:
            listener.forget(KeyHash(notification.payload))
        else:
            listener.forget_keys()
