"""The budget ledger in PostgreSQL: holds, settlements, and who is alive."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, LiteralString, TypeVar

import orjson
from psycopg.rows import class_row, scalar_row

from app.core.budgets import LimitedBy, LimitKind, Limits, LimitScope, Window
from app.core.ids import InstanceId, KeyId, RequestId, UserId
from app.database.database import Database
from app.database.pipeline import Statement
from app.ledger.record import (
    BudgetCounter,
    BudgetRejection,
    BudgetState,
    Grant,
    RateLimitRejection,
    RateLimitState,
    RequestRecord,
    ReserveRequest,
    Scope,
    Settled,
)

log = logging.getLogger(__name__)

Number = TypeVar("Number", Decimal, float)

PARTITION_DAYS_AHEAD = 8

HOLD: Final = Statement(
    b"hold",
    b"""
SELECT refused_by, limited_by, limited_kind, wait_seconds, spent, reserved, requests, tokens
  FROM reserve_v1($1::jsonb)
""",
)
"""`refused_by` and `limited_by` are the 1-based numbers of a counter and of a limit; the lists end
with it."""

SETTLE: Final = Statement(b"settle", b"SELECT settle_v1($1::jsonb)")

HEARTBEAT: LiteralString = """
INSERT INTO gateway_instance (instance_id, seen_at) VALUES (%(owner)s, now())
ON CONFLICT (instance_id) DO UPDATE SET seen_at = excluded.seen_at
"""

FORGET: LiteralString = """
DELETE FROM gateway_instance
 WHERE instance_id = %(owner)s OR seen_at < now() - interval '1 day'
"""

ORPHANS: LiteralString = """
SELECT r.request_id, r.instance_id, r.started_at, r.key_id, r.user_id, r.model, r.upstream_model,
       r.counters::text, r.limits::text, r.tokens, r.amount
  FROM reservation r
  LEFT JOIN gateway_instance g
    ON g.instance_id = r.instance_id
   AND g.seen_at > now() - make_interval(secs => %(silent_seconds)s)
 WHERE g.instance_id IS NULL
   AND r.started_at < now() - make_interval(secs => %(silent_seconds)s)
 ORDER BY r.started_at
 LIMIT 1000
"""

STRAYS: LiteralString = """
SELECT r.request_id, r.instance_id, r.started_at, r.key_id, r.user_id, r.model, r.upstream_model,
       r.counters::text, r.limits::text, r.tokens, r.amount
  FROM reservation r
 WHERE r.instance_id = %(owner)s
   AND r.request_id <> ALL(%(known)s)
   AND r.started_at < now() - make_interval(secs => %(seconds)s)
 ORDER BY r.started_at
 LIMIT 1000
"""

PREPARE: LiteralString = "SELECT create_spend_partitions_v1(%(first)s, %(days)s)"


@dataclass(frozen=True, slots=True)
class _HoldRow:
    """`counters` and `limits` are JSON."""

    request_id: str
    instance_id: str
    started_at: datetime
    key_id: str
    user_id: str | None
    model: str
    upstream_model: str
    counters: str
    limits: str
    tokens: int
    amount: Decimal


class PostgresLedger:
    """Implements the port Ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, hold: ReserveRequest) -> Grant | BudgetRejection | RateLimitRejection:
        (
            refused_by,
            limited_by,
            kind,
            wait_seconds,
            spent,
            held,
            requests,
            tokens,
        ) = await self._database.row(HOLD, _json(_hold(hold)), _owner(hold))
        if limited_by is not None and kind is not None:
            limit = hold.limits[int(limited_by) - 1]
            wait = float(wait_seconds) if wait_seconds is not None else None
            return RateLimitRejection(limit, LimitKind(kind.decode()), wait)
        standings = tuple(
            BudgetState(account, usd, kept)
            for account, usd, kept in zip(
                hold.accounts, _numbers(spent, Decimal), _numbers(held, Decimal), strict=False
            )
            if account.watched
        )
        if refused_by is not None:
            last = standings[-1]
            return BudgetRejection(last.account, spent=last.spent, held=last.held)
        readings = zip(
            hold.limits, _numbers(requests, float), _numbers(tokens, float), strict=False
        )
        return Grant(standings, tuple(RateLimitState(*reading) for reading in readings))

    async def book(self, record: RequestRecord) -> Settled:
        (spent,), lasts = await self._database.row_to_last(
            SETTLE, _json(_end(record)), _owner(record)
        )
        return Settled(_numbers(spent, Decimal), lasts)

    async def settle(self, record: RequestRecord) -> None:
        await self._database.row_on_disk(SETTLE, _json(_end(record)), _owner(record))

    async def heartbeat(self, owner: InstanceId) -> None:
        await self._database.execute(HEARTBEAT, {"owner": owner})

    async def forget(self, owner: InstanceId) -> None:
        await self._database.execute(FORGET, {"owner": owner})

    async def orphans(self, silent_seconds: float) -> Sequence[ReserveRequest]:
        rows = await self._database.rows(
            ORPHANS, {"silent_seconds": silent_seconds}, class_row(_HoldRow)
        )
        return _readable(rows)

    async def strays(
        self, owner: InstanceId, known: Collection[RequestId], seconds: float
    ) -> Sequence[ReserveRequest]:
        rows = await self._database.rows(
            STRAYS,
            {"owner": owner, "known": list(known), "seconds": seconds},
            class_row(_HoldRow),
        )
        return _readable(rows)

    async def prepare(self, now: datetime) -> None:
        await self._database.rows(
            PREPARE, {"first": now.date(), "days": PARTITION_DAYS_AHEAD}, scalar_row
        )


def _owner(of: ReserveRequest | RequestRecord) -> str:
    """Whose rows a statement locks."""
    return of.user_id or of.key_id or ""


def _hold(hold: ReserveRequest) -> dict[str, Any]:
    """As `reserve_v1` takes it."""
    asked = {
        "request_id": hold.request_id,
        "instance_id": hold.owner,
        "started_at": hold.started_at,
        "key_id": hold.key_id,
        "user_id": hold.user_id,
        "model": hold.model,
        "upstream_model": hold.bedrock_id,
        "amount": hold.amount,
        "tokens": hold.tokens,
        "extends": hold.grows,
        "counters": _counters(hold.accounts),
    }
    if hold.spare:
        asked["spare"] = hold.spare
    if hold.limits:
        asked["limits"] = [
            {
                "scope": limit.scope,
                "id": limit.id,
                "rpm": limit.limits.rpm,
                "tpm": limit.limits.tpm,
                "parallel": limit.limits.parallel,
            }
            for limit in hold.limits
        ]
    return asked


def _end(record: RequestRecord) -> dict[str, Any]:
    """As `settle_v1` takes it."""
    return {"row": record.to_row(), "counters": _counters(record.counters)}


def _counters(accounts: Sequence[BudgetCounter]) -> list[dict[str, Any]]:
    return [
        {
            "scope": account.scope,
            "id": account.id,
            "start": account.window.start,
            "cap": account.cap,
            "soft": account.soft,
        }
        for account in accounts
    ]


def _json(value: Any) -> bytes:
    """Money as text, so that it is exact."""
    return orjson.dumps(value, default=str)


def _numbers(array: bytes | None, number: Callable[[str], Number]) -> list[Number]:
    """An array as PostgreSQL writes it, `{0.25,NULL}`; what is not known counts as nothing."""
    if array is None or array == b"{}":
        return []
    texts = array[1:-1].decode().split(",")
    return [number("0" if text == "NULL" else text) for text in texts]


def _readable(rows: Sequence[_HoldRow]) -> list[ReserveRequest]:
    """Without those of a newer version that this one cannot read: that one settles them."""
    held = []
    for row in rows:
        try:
            held.append(_held(row))
        except (ValueError, KeyError, TypeError, ArithmeticError):
            log.warning("reservation not readable", extra={"request_id": row.request_id})
    return held


def _held(row: _HoldRow) -> ReserveRequest:
    accounts = tuple(
        BudgetCounter(
            Scope(account["scope"]),
            account["id"],
            Window(datetime.fromisoformat(account["start"]), None),
            _decimal(account["cap"]),
            _decimal(account.get("soft")),
        )
        for account in orjson.loads(row.counters)
    )
    limits = tuple(
        LimitedBy(
            LimitScope(limit["scope"]),
            limit["id"],
            Limits(limit["rpm"], limit["tpm"], limit["parallel"]),
        )
        for limit in orjson.loads(row.limits)
    )
    return ReserveRequest(
        request_id=RequestId(row.request_id),
        owner=InstanceId(row.instance_id),
        started_at=row.started_at,
        key_id=KeyId(row.key_id),
        user_id=UserId(row.user_id) if row.user_id is not None else None,
        model=row.model,
        bedrock_id=row.upstream_model,
        accounts=accounts,
        amount=row.amount,
        grows=True,
        limits=limits,
        tokens=row.tokens,
    )


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None
