"""Finding keys, as nearly every request does: prepared once, and by the way of the ledger."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from app.core.ids import KeyHash
from app.database.database import Database
from app.database.pipeline import Statement
from app.errors import TooManyUnknownKeys
from app.identity.columns import KEY_SHOWN, USER_SHOWN, caller_of, typed
from app.identity.policy import Caller


class KeyDirectory(Protocol):
    """Finds keys. Raises DatabaseUnavailable, never "not found", when it cannot look."""

    async def find(self, key_hashes: Sequence[KeyHash]) -> Mapping[KeyHash, Caller]:
        """Those that there are, by the hash that was asked for."""


class BatchedKeyLookup:
    """Looks up keys together, a few times a second, however many are asked for."""

    def __init__(
        self, directory: KeyDirectory, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._directory = directory
        self._pause = pause
        self._waiting: dict[KeyHash, asyncio.Future[Caller | None]] = {}
        self._turn: asyncio.Task[None] | None = None

    async def find(self, key_hash: KeyHash) -> Caller | None:
        """Raises TooManyUnknownKeys where too many wait already, or DatabaseUnavailable."""
        waiting = self._waiting.get(key_hash)
        if waiting is None:
            if len(self._waiting) >= MOST_WAITING:
                raise TooManyUnknownKeys(
                    "Too many keys that nobody has are being sent. Try again in a moment.",
                    {"retry-after": "1"},
                )
            waiting = self._waiting[key_hash] = asyncio.get_running_loop().create_future()
        if self._turn is None:
            self._turn = asyncio.create_task(self._take())
        return await asyncio.shield(waiting)

    async def _take(self) -> None:
        await self._pause(TURN_SECONDS)
        asked, self._waiting, self._turn = self._waiting, {}, None
        try:
            found = await self._directory.find(list(asked))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait raise it
            for waiting in asked.values():
                waiting.set_exception(error)
                waiting.exception()  # there may be nobody left who waits
            return
        for key_hash, waiting in asked.items():
            waiting.set_result(found.get(key_hash))


MOST_WAITING: Final = 1_000

TURN_SECONDS: Final = 0.2

# A secret that was replaced finds its key too, under its own hash and name, and with its own end.
FIND: Final = Statement(
    b"find",
    f"""
SELECT coalesce(json_agg(found), '[]') FROM (
    SELECT {KEY_SHOWN}, {USER_SHOWN}, asked.hash AS asked_hash,
           r.key_hash AS retired_hash, r.key_name AS retired_name, r.valid_until
      FROM unnest($1::text[]) AS asked (hash)
      JOIN api_key k ON k.key_id = coalesce(
               (SELECT key_id FROM api_key WHERE key_hash = asked.hash),
               (SELECT key_id FROM previous_key_secret WHERE key_hash = asked.hash))
      LEFT JOIN previous_key_secret r ON r.key_hash = asked.hash AND r.key_id = k.key_id
      LEFT JOIN budget kb ON kb.budget_id = k.budget_id
      LEFT JOIN gateway_user u ON u.user_id = k.user_id
      LEFT JOIN budget ub ON ub.budget_id = u.budget_id
) AS found
""".encode(),
)


class PostgresDirectory:
    """Implements the port KeyDirectory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key_hashes: Sequence[KeyHash]) -> Mapping[KeyHash, Caller]:
        # An array as PostgreSQL writes it: digests need no quotes.
        (found,) = await self._database.row(FIND, f"{{{','.join(key_hashes)}}}".encode())
        rows: list[dict[str, Any]] = json.loads(found or b"[]", parse_float=Decimal)
        return {row["asked_hash"]: _found(row) for row in map(typed, rows)}


def _found(row: Mapping[str, Any]) -> Caller:
    """Whom a secret stands for; one that was replaced has its own name and end."""
    caller = caller_of(row)
    if row["retired_hash"] is None:
        return caller
    valid_until = datetime.fromisoformat(row["valid_until"])
    ends = [end for end in (caller.key.expires, valid_until) if end is not None]
    retired = replace(
        caller.key, hash=row["retired_hash"], name=row["retired_name"], expires=min(ends)
    )
    return replace(caller, key=retired)
