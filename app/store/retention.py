"""Old rows of the tables that grow, deleted by batches."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, LiteralString

from psycopg.rows import scalar_row

from app.domain.retention import Old, Present
from app.store.database import Database
from app.store.windows import names

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
