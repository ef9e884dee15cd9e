"""Reports on the spend log, and its upkeep, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
from psycopg.rows import class_row, dict_row, scalar_row

from app.domain.ledger import Account, Scope, Standing
from app.domain.listing import Page
from app.domain.spending import (
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
from app.domain.usage import Usage
from app.store.database import Database
from app.store.spending_statements import (
    CHECK,
    CHECKS,
    DROP,
    GROUPS,
    LOG,
    LOGGED,
    OPEN_DAYS,
    STANDINGS,
    SUMMARISE,
    TOTALS,
    UNCHECKED,
)
from app.store.windows import names, open_windows


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

    async def standings(self, accounts: Sequence[Account]) -> Sequence[Standing]:
        asked = {
            "scopes": [account.scope.value for account in accounts],
            "ids": [account.id for account in accounts],
            "starts": [account.window.start for account in accounts],
        }
        rows = await self._database.rows(STANDINGS, asked, dict_row)
        return [
            Standing(account, row["spent"], row["held"])
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

    async def check(self, day: date, windows: Sequence[Account]) -> Sequence[Finding]:
        asked = {"day": day, "windows": names(windows)}
        return await self._database.rows(CHECK, asked, class_row(Finding))

    async def count_anew(self, windows: Sequence[Account]) -> None:
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
