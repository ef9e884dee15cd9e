"""Finding keys, as nearly every request does: prepared once, and by the way of the ledger."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.domain.identity import KeyHash
from app.domain.keys import Caller
from app.store.columns import KEY_SHOWN, USER_SHOWN
from app.store.database import Database
from app.store.lane import Statement
from app.store.rows import caller_of, typed

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
