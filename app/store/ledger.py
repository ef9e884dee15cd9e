"""The budget ledger in PostgreSQL: holds, settlements, and who is alive."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

from psycopg.rows import class_row, scalar_row

from app.domain.budgets import Window
from app.domain.identity import InstanceId, KeyHash, RequestId, UserId
from app.domain.ledger import Account, Grant, Hold, Refusal, Scope, Settlement
from app.store.database import Database

PARTITION_DAYS_AHEAD = 8

HOLD: LiteralString = """
SELECT refused_by, account_spent, account_held, account_left, fullest, fullest_spent
  FROM hold_budget(
    %(request_id)s, %(owner)s, %(started_at)s, %(key_hash)s, %(user_id)s, %(model)s,
    %(bedrock_id)s, %(scopes)s, %(ids)s, %(windows)s, %(caps)s, %(amount)s,
    %(grows)s)
"""

SETTLE: LiteralString = """
SELECT settle_request(
    ROW(%(request_id)s, %(started_at)s, %(finished_at)s, %(key_hash)s, %(user_id)s, %(dialect)s,
        %(model)s, %(bedrock_id)s, %(input_tokens)s, %(output_tokens)s, %(cache_read_tokens)s,
        %(cache_write_5m_tokens)s, %(cache_write_1h_tokens)s, %(cost)s, %(estimated)s, %(ending)s,
        %(status)s, %(stream)s, %(ttfb_ms)s, %(upstream_request_id)s, %(session_id)s,
        %(client)s)::spend_log,
    %(scopes)s, %(ids)s, %(windows)s, %(caps)s)
"""

HEARTBEAT: LiteralString = """
INSERT INTO gateway_instance (instance_id, seen_at) VALUES (%(owner)s, now())
ON CONFLICT (instance_id) DO UPDATE SET seen_at = excluded.seen_at
"""

FORGET: LiteralString = """
DELETE FROM gateway_instance
 WHERE instance_id = %(owner)s OR seen_at < now() - interval '1 day'
"""

ORPHANS: LiteralString = """
SELECT r.request_id, r.owner, r.started_at, r.key_hash, r.user_id, r.model, r.bedrock_id,
       r.scopes, r.ids, r.windows, r.caps, r.amount
  FROM reservation r
  LEFT JOIN gateway_instance g
    ON g.instance_id = r.owner AND g.seen_at > now() - make_interval(secs => %(silent_seconds)s)
 WHERE g.instance_id IS NULL
   AND r.started_at < now() - make_interval(secs => %(silent_seconds)s)
 ORDER BY r.started_at
 LIMIT 1000
"""

STRAYS: LiteralString = """
SELECT r.request_id, r.owner, r.started_at, r.key_hash, r.user_id, r.model, r.bedrock_id,
       r.scopes, r.ids, r.windows, r.caps, r.amount
  FROM reservation r
 WHERE r.owner = %(owner)s
   AND r.request_id <> ALL(%(known)s)
   AND r.started_at < now() - make_interval(secs => %(seconds)s)
 ORDER BY r.started_at
 LIMIT 1000
"""

PREPARE: LiteralString = "SELECT make_spend_partitions(%(first)s, %(days)s)"


@dataclass(frozen=True, slots=True)
class _HeldRow:
    """`refused_by` is the 1-based number of an account; None means granted."""

    refused_by: int | None
    account_spent: Decimal | None
    account_held: Decimal | None
    account_left: Decimal | None
    fullest: int | None
    fullest_spent: Decimal | None


@dataclass(frozen=True, slots=True)
class _HoldRow:
    request_id: str
    owner: str
    started_at: datetime
    key_hash: str
    user_id: str | None
    model: str
    bedrock_id: str
    scopes: list[str]
    ids: list[str]
    windows: list[datetime]
    caps: list[Decimal | None]
    amount: Decimal


class PostgresLedger:
    """Implements the port Ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, hold: Hold) -> Grant | Refusal:
        rows = await self._database.rows(
            HOLD,
            {
                "request_id": hold.request_id,
                "owner": hold.owner,
                "started_at": hold.started_at,
                "key_hash": hold.key_hash,
                "user_id": hold.user_id,
                "model": hold.model,
                "bedrock_id": hold.bedrock_id,
                "amount": hold.amount,
                "grows": hold.grows,
                **_columns(hold.accounts),
            },
            class_row(_HeldRow),
        )
        row = rows[0]
        if row.refused_by is None:
            fullest = None if row.fullest is None else hold.accounts[row.fullest - 1]
            return Grant(row.account_left, fullest, row.fullest_spent or Decimal(0))
        account = hold.accounts[row.refused_by - 1]
        return Refusal(
            account, spent=row.account_spent or Decimal(0), held=row.account_held or Decimal(0)
        )

    async def settle(self, settlement: Settlement) -> None:
        s, usage = settlement, settlement.usage
        await self._database.execute(
            SETTLE,
            {
                "request_id": s.request_id,
                "started_at": s.started_at,
                "finished_at": s.finished_at,
                "key_hash": s.key_hash,
                "user_id": s.user_id,
                "dialect": s.dialect,
                "model": s.model,
                "bedrock_id": s.bedrock_id,
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cache_read_tokens": usage.cache_read_tokens,
                "cache_write_5m_tokens": usage.cache_write_5m_tokens,
                "cache_write_1h_tokens": usage.cache_write_1h_tokens,
                "cost": s.cost,
                "estimated": s.estimated,
                "ending": s.ending,
                "status": s.status,
                "stream": s.stream,
                "ttfb_ms": s.ttfb_ms,
                "upstream_request_id": s.upstream_request_id,
                "session_id": s.session_id,
                "client": s.client,
                **_columns(s.accounts),
            },
        )

    async def heartbeat(self, owner: InstanceId) -> None:
        await self._database.execute(HEARTBEAT, {"owner": owner})

    async def forget(self, owner: InstanceId) -> None:
        await self._database.execute(FORGET, {"owner": owner})

    async def orphans(self, silent_seconds: float) -> Sequence[Hold]:
        rows = await self._database.rows(
            ORPHANS, {"silent_seconds": silent_seconds}, class_row(_HoldRow)
        )
        return [_hold(row) for row in rows]

    async def strays(
        self, owner: InstanceId, known: Collection[RequestId], seconds: float
    ) -> Sequence[Hold]:
        rows = await self._database.rows(
            STRAYS,
            {"owner": owner, "known": list(known), "seconds": seconds},
            class_row(_HoldRow),
        )
        return [_hold(row) for row in rows]

    async def prepare(self, now: datetime) -> None:
        await self._database.rows(
            PREPARE, {"first": now.date(), "days": PARTITION_DAYS_AHEAD}, scalar_row
        )


def _columns(accounts: Sequence[Account]) -> dict[str, list[Any]]:
    return {
        "scopes": [a.scope.value for a in accounts],
        "ids": [a.id for a in accounts],
        "windows": [a.window.start for a in accounts],
        "caps": [a.cap for a in accounts],
    }


def _hold(row: _HoldRow) -> Hold:
    accounts = tuple(
        Account(Scope(scope), id_, Window(start, None), cap)
        for scope, id_, start, cap in zip(row.scopes, row.ids, row.windows, row.caps, strict=True)
    )
    return Hold(
        request_id=RequestId(row.request_id),
        owner=InstanceId(row.owner),
        started_at=row.started_at,
        key_hash=KeyHash(row.key_hash),
        user_id=UserId(row.user_id) if row.user_id is not None else None,
        model=row.model,
        bedrock_id=row.bedrock_id,
        accounts=accounts,
        amount=row.amount,
        grows=True,
    )
