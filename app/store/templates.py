"""Budgets by name, which keys and users refer to, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg import errors
from psycopg.rows import dict_row, scalar_row

from app.domain.audit import Author
from app.domain.keys import Role
from app.domain.templates import Template
from app.errors import Conflict
from app.store.columns import BUDGET_COLUMNS, insert, shown
from app.store.database import Database
from app.store.refusals import refused
from app.store.rows import budget_values, stored, template_of

COLUMNS = ("budget_id", *BUDGET_COLUMNS, "created_at", "updated_at")
SHOWN: LiteralString = shown("b", COLUMNS)

TEMPLATES: LiteralString = f"SELECT {SHOWN} FROM budget b"
BY_ID: LiteralString = f"{TEMPLATES} WHERE budget_id = ANY(%(ids)s) ORDER BY budget_id"
ALL: LiteralString = f"{TEMPLATES} ORDER BY budget_id"

ADD: LiteralString = insert("budget", COLUMNS)

DELETE: LiteralString = "DELETE FROM budget WHERE budget_id = %(budget_id)s"

REFERRERS: LiteralString = """
SELECT * FROM (
    SELECT 'user ' || user_id AS name FROM gateway_user WHERE budget_id = %(budget_id)s
    UNION ALL
    SELECT 'key ' || coalesce(key_alias, key_name) FROM api_key WHERE budget_id = %(budget_id)s
) AS referrer ORDER BY name LIMIT %(limit)s
"""

ADMINISTRATORS: LiteralString = """
SELECT user_id FROM gateway_user AS u
 WHERE user_role <> %(ordinary)s
   AND (budget_id = %(budget_id)s OR EXISTS (
       SELECT FROM api_key WHERE user_id = u.user_id AND budget_id = %(budget_id)s))
 ORDER BY user_id
"""


class PostgresTemplates:
    """Implements the port Templates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def templates(self, ids: Sequence[str] | None) -> Sequence[Template]:
        rows = await self._database.rows(
            ALL if ids is None else BY_ID, {"ids": list(ids or ())}, dict_row
        )
        return [_template(row) for row in rows]

    async def add_template(self, template: Template, by: Author) -> None:
        values = {
            "budget_id": template.id,
            **budget_values(template.allowance),
            "created_at": template.created_at,
            "updated_at": template.updated_at,
        }
        try:
            await self._database.execute(ADD, values, by)
        except errors.IntegrityError as error:
            # Repeated after a lost answer, it finds itself.
            if await self.templates([template.id]) != [template]:
                raise refused(error, values) from error

    async def update_template(
        self, id_: str, changes: Mapping[str, Any], by: Author
    ) -> Template | None:
        if strange := sorted(changes.keys() - set(BUDGET_COLUMNS)):
            raise ValueError(f"no columns: {strange}")
        changed = "".join(f"{name} = %({name})s, " for name in changes)
        query = (
            f"UPDATE budget b SET {changed}updated_at = now() WHERE budget_id = %(budget_id)s "
            f"RETURNING {SHOWN}"
        )
        values = stored({**changes, "budget_id": id_})
        rows = await self._database.rows(query, values, dict_row, by)
        return _template(rows[0]) if rows else None

    async def delete_template(self, id_: str, by: Author) -> None:
        try:
            await self._database.execute(DELETE, {"budget_id": id_}, by)
        except errors.ForeignKeyViolation as error:
            raise Conflict(f"The budget {id_!r} is in use.") from error

    async def referrers(self, id_: str, limit: int) -> Sequence[str]:
        return await self._database.rows(REFERRERS, {"budget_id": id_, "limit": limit}, scalar_row)

    async def administrators(self, id_: str) -> Sequence[str]:
        values = {"budget_id": id_, "ordinary": Role.INTERNAL}
        return await self._database.rows(ADMINISTRATORS, values, scalar_row)


def _template(row: Mapping[str, Any]) -> Template:
    return Template(
        id=row["b_budget_id"],
        allowance=template_of(row, "b"),
        created_at=row["b_created_at"],
        updated_at=row["b_updated_at"],
    )
