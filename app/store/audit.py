"""The audit log, which PostgreSQL's triggers write."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, LiteralString

from psycopg.rows import dict_row

from app.domain.audit import AuditEntry, AuditFilter
from app.store.database import Database

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
