"""The statements behind reports on spend, and its upkeep."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString

import orjson
from psycopg.rows import class_row, dict_row, scalar_row

from app.core.usage import Usage
from app.database.database import Database
from app.database.paging import Page
from app.ledger.record import BudgetCounter, BudgetState, Scope
from app.ledger.windows import names, open_windows
from app.spend.records import (
    DayCheck,
    Dimension,
    Finding,
    LogEntry,
    LogQuery,
    Part,
    Period,
    Spender,
    SpendGroup,
    Total,
)

KEY_NAMES: LiteralString = """
names AS (
    SELECT key_id, key_name, key_alias, user_id, false AS deleted FROM api_key
    UNION ALL
    SELECT d.key_id, d.key_name, d.key_alias, d.user_id, true FROM deleted_key d
     WHERE NOT EXISTS (SELECT FROM api_key k WHERE k.key_id = d.key_id)
)
"""

_SUMS: LiteralString = """
       sum(s.requests)::bigint AS requests, sum(s.failed_requests)::bigint AS failed_requests,
       sum(s.input_tokens)::bigint AS input_tokens, sum(s.output_tokens)::bigint AS output_tokens,
       sum(s.cache_read_tokens)::bigint AS cache_read_tokens,
       sum(s.cache_write_5m_tokens)::bigint AS cache_write_5m_tokens,
       sum(s.cache_write_1h_tokens)::bigint AS cache_write_1h_tokens,
       sum(s.cost) AS cost, sum(s.estimated_cost) AS estimated_cost, count(*) OVER () AS total
  FROM spend_between_v1(%(first)s, %(last)s, %(key_id)s, %(user_id)s) s
"""

_FEW: LiteralString = """
       NULL AS label, sum(s.requests)::bigint AS requests, 0 AS failed_requests,
       sum(s.tokens)::bigint AS tokens, sum(s.cost) AS cost, 0::numeric AS estimated_cost,
       count(*) OVER () AS total
"""

GROUPS: Mapping[Dimension, LiteralString] = {
    Dimension.DAY: f"""
SELECT s.day::text AS name, NULL AS label, {_SUMS} GROUP BY s.day ORDER BY s.day
 LIMIT %(limit)s OFFSET %(offset)s
""",
    Dimension.KEY: f"""
WITH {KEY_NAMES}
SELECT s.key_id AS name, min(coalesce(n.key_alias, n.key_name)) AS label, {_SUMS}
  LEFT JOIN names n USING (key_id)
 GROUP BY s.key_id ORDER BY cost DESC, name
 LIMIT %(limit)s OFFSET %(offset)s
""",
    Dimension.USER: f"""
SELECT s.user_id AS name, min(u.user_email) AS label, {_SUMS}
  LEFT JOIN gateway_user u USING (user_id)
 GROUP BY s.user_id ORDER BY cost DESC, name
 LIMIT %(limit)s OFFSET %(offset)s
""",
    Dimension.MODEL: f"""
SELECT s.model AS name, NULL AS label, {_SUMS}
 GROUP BY s.model ORDER BY cost DESC, name
 LIMIT %(limit)s OFFSET %(offset)s
""",
    Dimension.SESSION: f"""
SELECT s.session_id AS name, {_FEW}
  FROM sessions_between_v1(%(first)s, %(last)s, %(key_id)s) s
 WHERE %(user_id)s::text IS NULL OR s.user_id = %(user_id)s
 GROUP BY s.session_id ORDER BY cost DESC, name
 LIMIT %(limit)s OFFSET %(offset)s
""",
    Dimension.TAG: f"""
SELECT s.tag AS name, {_FEW}
  FROM tags_between_v1(%(first)s, %(last)s) s
 WHERE %(key_id)s::text IS NULL OR s.key_id = %(key_id)s
 GROUP BY s.tag ORDER BY cost DESC, name
 LIMIT %(limit)s OFFSET %(offset)s
""",
}

TOTALS: Mapping[Scope, LiteralString] = {
    Scope.KEY: f"""
WITH {KEY_NAMES}
SELECT a.id, coalesce(n.key_alias, n.key_name) AS label, n.user_id, a.spent AS cost,
       coalesce(n.deleted, true) AS deleted, count(*) OVER () AS total
  FROM budget_counter a LEFT JOIN names n ON n.key_id = a.id
 WHERE a.scope = 'key' AND a.window_start = 'epoch' ORDER BY a.spent DESC, a.id
 LIMIT %(limit)s OFFSET %(offset)s
""",
    Scope.USER: """
SELECT a.id, u.user_email AS label, a.id AS user_id, a.spent AS cost, u.user_id IS NULL AS deleted,
       count(*) OVER () AS total
  FROM budget_counter a LEFT JOIN gateway_user u ON u.user_id = a.id
 WHERE a.scope = 'user' AND a.window_start = 'epoch' ORDER BY a.spent DESC, a.id
 LIMIT %(limit)s OFFSET %(offset)s
""",
}

_MATCHING: LiteralString = """
  FROM spend_log l
 WHERE (%(since)s::timestamptz IS NULL OR l.started_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR l.started_at < %(until)s)
   AND (%(key_id)s::text IS NULL OR l.key_id = %(key_id)s)
   AND (%(user_id)s::text IS NULL OR l.user_id = %(user_id)s)
   AND (%(model)s::text IS NULL OR l.model = %(model)s)
   AND (%(session_id)s::text IS NULL OR l.session_id = %(session_id)s)
   AND (%(tag)s::text IS NULL OR %(tag)s = ANY (l.tags))
   AND (%(request_id)s::text IS NULL OR l.request_id = %(request_id)s)
"""

LOG: LiteralString = f"""
WITH {KEY_NAMES},
page AS (
    SELECT l.* {_MATCHING}
     ORDER BY l.started_at DESC, l.request_id OFFSET %(offset)s LIMIT %(limit)s
)
SELECT l.request_id, l.started_at, l.finished_at, l.key_id, n.key_name, n.key_alias, l.user_id,
       l.api_format, l.model, l.upstream_model,
       l.input_tokens, l.output_tokens, l.cache_read_tokens,
       l.cache_write_5m_tokens, l.cache_write_1h_tokens, l.cost, l.input_cost, l.output_cost,
       l.cache_read_cost, l.cache_write_5m_cost, l.cache_write_1h_cost, l.guardrail_cost,
       l.estimated, l.ending,
       l.status, l.error_code, l.stream, l.ttfb_ms, l.latency_ms, l.upstream_request_id,
       l.session_id, l.agent, l.user_agent, l.tags
  FROM page l LEFT JOIN names n USING (key_id)
 ORDER BY l.started_at DESC, l.request_id
"""

LOGGED: LiteralString = f"SELECT count(*) {_MATCHING}"

STANDINGS: LiteralString = """
SELECT coalesce(a.spent, 0) AS spent, coalesce(a.reserved, 0) AS held
  FROM unnest(%(scopes)s::text[], %(ids)s::text[], %(starts)s::timestamptz[])
       WITH ORDINALITY AS w (scope, id, start, n)
  LEFT JOIN budget_counter a
    ON a.scope = w.scope AND a.id = w.id AND a.window_start = w.start
 ORDER BY w.n
"""

CHECKS: LiteralString = """
SELECT day, checked_at, differences::text FROM spend_day_status ORDER BY day DESC LIMIT %(limit)s
"""

OPEN_DAYS: LiteralString = "SELECT days_to_roll_up_v1()"

SUMMARISE: LiteralString = """
SELECT roll_up_day_v1(%(day)s), fold_spend_details_v1(%(day)s, %(details)s)
"""

DROP: LiteralString = "SELECT drop_spend_log_before_v1(%(day)s)"

UNCHECKED: LiteralString = """
SELECT day FROM (SELECT * FROM spend_day_status WHERE NOT stale ORDER BY day DESC LIMIT 1) latest
 WHERE checked_at IS NULL
"""

CHECK: LiteralString = """
WITH found AS MATERIALIZED (SELECT * FROM reconcile_day_v1(%(day)s, %(windows)s::jsonb)),
kept AS (
    UPDATE spend_day_status
       SET checked_at = now(),
           differences = coalesce(
               (SELECT jsonb_agg(jsonb_build_object(
                    'what', what, 'scope', scope, 'id', id,
                    'logged', logged::text, 'counted', counted::text)) FROM found), '[]')
     WHERE day = %(day)s
)
SELECT what, scope, id, logged, counted FROM found
"""


class PostgresSpending:
    """Implements the ports SpendHistory and SpendUpkeep."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def groups(
        self, by: Dimension, period: Period, spender: Spender, part: Part
    ) -> Page[SpendGroup]:
        asked = asdict(period) | asdict(spender) | asdict(part)
        rows = await self._database.rows(GROUPS[by], asked, dict_row)
        return Page([_group(row) for row in rows], _total(rows))

    async def totals(self, scope: Scope, part: Part) -> Page[Total]:
        rows = await self._database.rows(TOTALS[scope], asdict(part), dict_row)
        names = [field.name for field in fields(Total)]
        return Page([Total(**{n: row[n] for n in names}) for row in rows], _total(rows))

    async def log(self, query: LogQuery) -> Sequence[LogEntry]:
        asked = asdict(query) | asdict(query.spender)
        return await self._database.rows(LOG, asked, class_row(LogEntry))

    async def logged(self, query: LogQuery) -> int:
        asked = asdict(query) | asdict(query.spender)
        counted: list[int] = await self._database.rows(LOGGED, asked, scalar_row)
        return counted[0]

    async def standings(self, accounts: Sequence[BudgetCounter]) -> Sequence[BudgetState]:
        asked = {
            "scopes": [account.scope.value for account in accounts],
            "ids": [account.id for account in accounts],
            "starts": [account.window.start for account in accounts],
        }
        rows = await self._database.rows(STANDINGS, asked, dict_row)
        return [
            BudgetState(account, row["spent"], row["held"])
            for account, row in zip(accounts, rows, strict=True)
        ]

    async def checks(self, limit: int) -> Sequence[DayCheck]:
        rows = await self._database.rows(CHECKS, {"limit": limit}, dict_row)
        return [
            DayCheck(row["day"], row["checked_at"], _findings(row["differences"])) for row in rows
        ]

    async def summarise(self, details: int) -> int:
        days: list[date] = await self._database.rows(OPEN_DAYS, {}, scalar_row)
        for day in days:
            await self._database.execute(SUMMARISE, {"day": day, "details": details})
        return len(days)

    async def drop_before(self, day: date) -> int:
        dropped: list[int] = await self._database.rows(DROP, {"day": day}, scalar_row)
        return dropped[0]

    async def unchecked(self) -> date | None:
        days: list[date] = await self._database.rows(UNCHECKED, {}, scalar_row)
        return days[0] if days else None

    async def check(self, day: date, windows: Sequence[BudgetCounter]) -> Sequence[Finding]:
        asked = {"day": day, "windows": names(windows)}
        return await self._database.rows(CHECK, asked, class_row(Finding))

    async def count_anew(self, windows: Sequence[BudgetCounter]) -> None:
        await open_windows(self._database, windows)


def _total(rows: Sequence[Mapping[str, Any]]) -> int:
    """How many there are without LIMIT and OFFSET; past the last of them, 0."""
    return rows[0]["total"] if rows else 0


def _group(row: Mapping[str, Any]) -> SpendGroup:
    usage = None
    if "input_tokens" in row:
        usage = Usage(
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            cache_read_tokens=row["cache_read_tokens"],
            cache_write_5m_tokens=row["cache_write_5m_tokens"],
            cache_write_1h_tokens=row["cache_write_1h_tokens"],
        )
    return SpendGroup(
        name=row["name"],
        label=row["label"],
        requests=row["requests"],
        failed_requests=row["failed_requests"],
        tokens=usage.total_tokens if usage else row["tokens"],
        usage=usage,
        cost=row["cost"],
        estimated_cost=row["estimated_cost"],
    )


def _findings(text: str | None) -> tuple[Finding, ...] | None:
    if text is None:
        return None
    return tuple(
        Finding(
            what=found["what"],
            scope=found["scope"],
            id=found["id"],
            logged=Decimal(found["logged"]),
            counted=Decimal(found["counted"]),
        )
        for found in orjson.loads(text)
    )
