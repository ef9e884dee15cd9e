"""Hears of changes from PostgreSQL, so that caches need not wait for their time."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import psycopg

from app.domain.identity import KeyHash

RECONNECT_SECONDS = 1.0


class Listener(Protocol):
    """What is told of changes: of one key, of any key, of the models, or that anything may have
    changed while nobody listened."""

    def forget(self, key_hash: KeyHash) -> None: ...

    def forget_keys(self) -> None: ...

    def models_changed(self) -> None: ...

    def forget_all(self) -> None: ...


async def follow_changes(
    dsn: str, listener: Listener, on_error: Callable[[Exception], None]
) -> None:
    """Tell `listener` of each change, for ever; reconnects by itself."""
    while True:
        try:
            await _listen(dsn, listener)
        except (psycopg.Error, OSError) as error:
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
        async for notification in connection.notifies():
            if notification.channel == "gateway_model":
                listener.models_changed()
            elif notification.payload:
                listener.forget(KeyHash(notification.payload))
            else:
                listener.forget_keys()
