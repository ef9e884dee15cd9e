"""Who changed what."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString, Protocol

from psycopg.rows import dict_row

from app.database.database import Database


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A row of users, keys, budgets, models or beta rules before a change and after it."""

    id: int
    at: datetime
    actor: str
    request_id: str | None
    action: str
    object_type: str
    object_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def changed(self) -> list[str]:
        """The columns that the change was about."""
        before, after = self.before or {}, self.after or {}
        names = {name for name in {**before, **after} if before.get(name) != after.get(name)}
        return sorted(names - {"updated_at"})


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; None is any. `before` is an entry's id: those older than it."""

    actor: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


class AuditLog(Protocol):
    """Every change of what is administered. It is written by the database itself."""

    async def entries(self, which: AuditFilter, limit: int) -> Sequence[AuditEntry]:
        """The newest first."""


ENTRIES: LiteralString = """
SELECT id, at, actor, request_id, action, object_type, object_id,
       before::text AS before, after::text AS after
  FROM audit_log
 WHERE (%(actor)s::text IS NULL OR actor = %(actor)s)
   AND (%(object_type)s::text IS NULL OR object_type = %(object_type)s)
   AND (%(object_id)s::text IS NULL OR object_id = %(object_id)s)
   AND (%(action)s::text IS NULL OR action = %(action)s)
   AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
   AND (%(before)s::bigint IS NULL OR id < %(before)s)
 ORDER BY id DESC LIMIT %(limit)s
"""


class PostgresAuditLog:
    """Implements the port AuditLog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def entries(self, which: AuditFilter, limit: int) -> Sequence[AuditEntry]:
        rows = await self._database.rows(ENTRIES, asdict(which) | {"limit": limit}, dict_row)
        return [
            AuditEntry(**{**row, "before": _json(row["before"]), "after": _json(row["after"])})
            for row in rows
        ]


def _json(text: str | None) -> Any:
    """With all digits of money."""
    return json.loads(text, parse_float=Decimal) if text is not None else None
