"""What is forgotten when it is old."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, LiteralString, Protocol

from psycopg.rows import scalar_row

from app.database.database import Database
from app.ledger.record import BudgetCounter
from app.ledger.windows import names
from app.spend.reports import LONGEST_DAYS


class Old(StrEnum):
    """Rows that are deleted after a time, by their table."""

    AUDIT_LOG = "audit_log"
    WINDOWS = "budget_counter"
    METERS = "rate_limit_bucket"
    SECRETS = "previous_key_secret"
    DELETED_KEYS = "deleted_key"
    SESSIONS = "spend_session_daily"
    TAGS = "spend_tag_daily"


@dataclass(frozen=True, slots=True)
class Present:
    """The windows that budgets have now, which stay however old they are."""

    windows: Sequence[BudgetCounter]
    listed_at: datetime
    """Users, keys and budgets changed after this keep all their periods."""


class OldRows(Protocol):
    """Rows of tables that grow."""

    async def forget(self, what: Old, before: datetime, most: int, present: Present) -> int:
        """Delete at most so many rows from before then; the number of rows."""


AUDIT: LiteralString = "SELECT drop_audit_log_before_v1(%(before)s, %(most)s)"

# Nothing is reserved in a past period. A holder or a named budget that was changed since the
# present windows were listed may have got others.
WINDOWS: LiteralString = """
WITH present AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(present)s::jsonb)
        AS w (scope text, id text, start timestamptz)
), changed AS MATERIALIZED (
    SELECT key_id AS id FROM api_key WHERE updated_at > %(listed)s
    UNION ALL
    SELECT user_id FROM gateway_user WHERE updated_at > %(listed)s
), old AS (
    SELECT a.scope, a.id, a.window_start FROM budget_counter a
     WHERE a.window_start > 'epoch' AND a.window_start < %(before)s AND a.reserved = 0
       AND NOT EXISTS (SELECT FROM budget WHERE updated_at > %(listed)s)
       AND NOT EXISTS (SELECT FROM changed c
                        WHERE a.id = c.id
                           OR a.scope LIKE '%%_model' AND a.id LIKE '%%/' || c.id)
       AND NOT EXISTS (SELECT FROM present p
                        WHERE p.scope = a.scope AND p.id = a.id AND p.start = a.window_start)
     LIMIT %(most)s FOR UPDATE OF a SKIP LOCKED
), deleted AS (
    DELETE FROM budget_counter a USING old
     WHERE a.scope = old.scope AND a.id = old.id AND a.window_start = old.window_start
    RETURNING 1
)
SELECT count(*)::integer FROM deleted
"""

# A meter that nothing was counted on for a day is empty, as is one that is not there.
METERS: LiteralString = """
WITH old AS (
    SELECT scope, id FROM rate_limit_bucket WHERE as_of < %(before)s AND in_flight = 0
     LIMIT %(most)s FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM rate_limit_bucket b USING old WHERE b.scope = old.scope AND b.id = old.id
    RETURNING 1
)
SELECT count(*)::integer FROM deleted
"""

SECRETS: LiteralString = """
WITH deleted AS (
    DELETE FROM previous_key_secret WHERE key_hash IN (
        SELECT key_hash FROM previous_key_secret WHERE valid_until < %(before)s LIMIT %(most)s)
    RETURNING 1
)
SELECT count(*)::integer FROM deleted
"""

DELETED_KEYS: LiteralString = """
WITH deleted AS (
    DELETE FROM deleted_key WHERE key_id IN (
        SELECT key_id FROM deleted_key WHERE deleted_at < %(before)s LIMIT %(most)s)
    RETURNING 1
)
SELECT count(*)::integer FROM deleted
"""

SESSIONS: LiteralString = """
WITH deleted AS (
    DELETE FROM spend_session_daily WHERE (day, session_id, key_id, user_id) IN (
        SELECT day, session_id, key_id, user_id FROM spend_session_daily
         WHERE day < utc_day_v1(%(before)s) LIMIT %(most)s)
    RETURNING 1
)
SELECT count(*)::integer FROM deleted
"""

TAGS: LiteralString = """
WITH deleted AS (
    DELETE FROM spend_tag_daily WHERE (day, tag, key_id) IN (
        SELECT day, tag, key_id FROM spend_tag_daily WHERE day < utc_day_v1(%(before)s)
         LIMIT %(most)s)
    RETURNING 1
)
SELECT count(*)::integer FROM deleted
"""

STATEMENTS: Final[Mapping[Old, LiteralString]] = {
    Old.AUDIT_LOG: AUDIT,
    Old.WINDOWS: WINDOWS,
    Old.METERS: METERS,
    Old.SECRETS: SECRETS,
    Old.DELETED_KEYS: DELETED_KEYS,
    Old.SESSIONS: SESSIONS,
    Old.TAGS: TAGS,
}


class PostgresOldRows:
    """Implements the port OldRows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self, what: Old, before: datetime, most: int, present: Present) -> int:
        asked = {
            "before": before,
            "most": most,
            "present": names(present.windows),
            "listed": present.listed_at,
        }
        deleted: list[int] = await self._database.rows(STATEMENTS[what], asked, scalar_row)
        return deleted[0]


log = logging.getLogger(__name__)

AT_A_TIME: Final = 5_000

MOST_BATCHES: Final = 200
"""Of one table in one run; what is left is deleted the next day."""

DETAILS_A_DAY: Final = 1_000
"""Sessions, and tags, of a key's day that keep a sum of their own."""

A_MINUTE: Final = timedelta(minutes=1)
"""By which clocks may differ."""

KEPT: Final[Mapping[Old, timedelta]] = MappingProxyType(
    {
        # Nothing reads a window that is over; a week is for settlements that waited in a spool.
        Old.WINDOWS: timedelta(days=7),
        Old.METERS: timedelta(days=1),
        Old.SECRETS: timedelta(days=90),
        # As far back as a report reaches.
        Old.DELETED_KEYS: timedelta(days=LONGEST_DAYS),
        Old.SESSIONS: timedelta(days=LONGEST_DAYS),
        Old.TAGS: timedelta(days=LONGEST_DAYS),
    }
)


class Retention:
    """Deletes what is too old, once a day. Any number of processes may do so at once."""

    def __init__(self, rows: OldRows, *, audit_days: int) -> None:
        """`audit_days` 0 keeps the audit log forever."""
        self._rows = rows
        audit = {Old.AUDIT_LOG: timedelta(days=audit_days)} if audit_days else {}
        self._kept = {**KEPT, **audit}
        self._done: date | None = None

    def due(self, now: datetime) -> bool:
        return self._done != now.date()

    async def run(self, now: datetime, present: Sequence[BudgetCounter]) -> None:
        """Delete by batches; `present` are the windows of all budgets, listed since `now`. Raises
        DatabaseUnavailable."""
        for what, kept in self._kept.items():
            before = now - kept
            old = [account for account in present if account.window.start < before]
            if deleted := await self._all(what, before, Present(old, now - A_MINUTE)):
                log.info("old rows deleted", extra={"table": what.value, "count": deleted})
        self._done = now.date()

    async def _all(self, what: Old, before: datetime, present: Present) -> int:
        deleted = 0
        for _ in range(MOST_BATCHES):
            batch = await self._rows.forget(what, before, AT_A_TIME, present)
            deleted += batch
            if batch < AT_A_TIME:
                break
        return deleted
