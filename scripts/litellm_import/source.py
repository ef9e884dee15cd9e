"""LiteLLM's tables, as they are found: columns differ from version to version."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

Row = Mapping[str, Any]

NOT_CARRIED_OVER = {
    "LiteLLM_TeamTable": "teams",
    "LiteLLM_OrganizationTable": "organisations",
    "LiteLLM_ProjectTable": "projects",
    "LiteLLM_EndUserTable": "end users",
    "LiteLLM_TagTable": "budgets of tags",
    "LiteLLM_ProxyModelTable": "models (add them by /model/new)",
    "LiteLLM_MCPServerTable": "MCP servers",
}

LOGGED: LiteralString = """
SELECT {column} AS id, sum(spend) AS spend FROM "LiteLLM_SpendLogs" GROUP BY 1
"""


class NoSource(Exception):
    """There is no LiteLLM in this database."""


@dataclass(frozen=True, slots=True)
class Source:
    """What LiteLLM keeps; `logged` is the spend of its log by key and by user, in USD."""

    users: list[Row]
    keys: list[Row]
    budgets: dict[str, Row]
    teams: dict[str, Row]
    retired: list[Row]
    logged_keys: Mapping[str, Decimal]
    logged_users: Mapping[str, Decimal]
    left: Mapping[str, int]
    """How many there are of what has no place here."""


def read(dsn: str) -> Source:
    """All of it, of one moment. Raises NoSource, psycopg.Error."""
    with psycopg.connect(dsn, row_factory=dict_row, connect_timeout=10) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        ).fetchall()
        tables = {row["table_name"] for row in found}
        if missing := {"LiteLLM_UserTable", "LiteLLM_VerificationToken"} - tables:
            raise NoSource(
                f"no LiteLLM is in that database: it has no {', '.join(sorted(missing))}"
            )

        def rows(table: str) -> list[Row]:
            if table not in tables:
                return []
            query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
            return list(connection.execute(query).fetchall())

        def logged(column: str) -> dict[str, Decimal]:
            if "LiteLLM_SpendLogs" not in tables:
                return {}
            query = sql.SQL(LOGGED).format(column=sql.Identifier(column))
            return {row["id"]: usd(row["spend"]) for row in connection.execute(query).fetchall()}

        return Source(
            users=rows("LiteLLM_UserTable"),
            keys=rows("LiteLLM_VerificationToken"),
            budgets={row["budget_id"]: row for row in rows("LiteLLM_BudgetTable")},
            teams={row["team_id"]: row for row in rows("LiteLLM_TeamTable")},
            retired=rows("LiteLLM_DeprecatedVerificationToken"),
            logged_keys=logged("api_key"),
            logged_users=logged("user"),
            left={
                name: len(rows(table)) for table, name in NOT_CARRIED_OVER.items() if rows(table)
            },
        )


def usd(amount: float | None) -> Decimal:
    """LiteLLM counts in floats: what is below a ten-billionth of a dollar is their noise."""
    return round(Decimal(repr(float(amount or 0))), 10)
