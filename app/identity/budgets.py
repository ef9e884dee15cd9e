"""Budgets by name: keys and users refer to them, and a change is a change for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, LiteralString, Protocol
from uuid import uuid4

from psycopg import errors
from psycopg.rows import dict_row, scalar_row

from app.core.ids import Author
from app.core.time import Clock
from app.database.database import Database
from app.database.errors import refused
from app.database.paging import Cut
from app.errors import Conflict, NotFound
from app.identity.administrators import Administrator
from app.identity.authentication import Authenticator
from app.identity.columns import BUDGET_COLUMNS, budget_values, insert, shown, stored, template_of
from app.identity.fields import WINDOWS, Fields, allowance_of
from app.identity.listing import KeyFilter, Listing, UserFilter
from app.identity.policy import Policy, Role
from app.identity.spending import SpendTotals


@dataclass(frozen=True, slots=True)
class Template:
    """A budget that may be shared. Each key and user spends it for itself."""

    id: str
    allowance: Policy
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Templates(Protocol):
    """Budgets that keys and users refer to."""

    async def templates(self, ids: Sequence[str] | None) -> Sequence[Template]:
        """Those of these ids, or all of them; ordered by id."""

    async def add_template(self, template: Template, by: Author) -> None:
        """Raises Conflict if there is one of that id."""

    async def update_template(
        self, id_: str, changes: Mapping[str, Any], by: Author
    ) -> Template | None:
        """Change these fields alone; None where there is no such budget."""

    async def delete_template(self, id_: str, by: Author) -> None:
        """Raises Conflict while it is in use."""

    async def referrers(self, id_: str, limit: int) -> Sequence[str]:
        """Users and keys that refer to a budget, in words."""

    async def administrators(self, id_: str) -> Sequence[str]:
        """Ids of administrators who refer to a budget, or whose keys do."""


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


REFERRERS_SHOWN = 10

AT_A_TIME = 500


class Budgets:
    """The platform team's use cases about named budgets. Fields go by LiteLLM's names."""

    def __init__(
        self,
        templates: Templates,
        listing: Listing,
        fields: Fields,
        spendings: SpendTotals,
        authenticator: Authenticator,
        clock: Clock,
    ) -> None:
        self._templates = templates
        self._listing = listing
        self._fields = fields
        self._spendings = spendings
        self._authenticator = authenticator
        self._clock = clock

    async def add(self, sent: Mapping[str, Any], by: Author) -> Template:
        """Raises InvalidRequest, Conflict."""
        fields = self._fields.checked(sent)
        now = self._clock.now()
        template = Template(fields.get("budget_id") or str(uuid4()), allowance_of(fields), now, now)
        await self._templates.add_template(template, by)
        return template

    async def get(self, ids: Sequence[str]) -> Sequence[Template]:
        """Raises NotFound if one of them does not exist."""
        found = await self._templates.templates(ids)
        if missing := sorted(set(ids) - {template.id for template in found}):
            raise NotFound(f"There is no budget {missing[0]!r}.")
        return found

    async def all(self) -> Sequence[Template]:
        return await self._templates.templates(None)

    async def update(
        self, id_: str, sent: Mapping[str, Any], who: Administrator, by: Author
    ) -> Template:
        """For all that refer to it. Raises NotFound, InvalidRequest, PermissionDenied."""
        changes = self._fields.checked(sent)
        who.check_may_change_budget(await self._templates.administrators(id_))
        template = await self._templates.update_template(id_, changes, by)
        self._authenticator.forget_all()
        if template is None:
            raise NotFound(f"There is no budget {id_!r}.")
        if WINDOWS & changes.keys():
            await self._open_windows(id_)
        return template

    async def delete(self, id_: str, by: Author) -> Template:
        """Raises NotFound; Conflict, with the names of those that refer to it."""
        (template,) = await self.get([id_])
        used_by = await self._templates.referrers(id_, REFERRERS_SHOWN + 1)
        if used_by:
            more = ", and more" if len(used_by) > REFERRERS_SHOWN else ""
            raise Conflict(
                f"The budget {id_!r} is in use by {', '.join(used_by[:REFERRERS_SHOWN])}{more}. "
                "Give them another budget_id, or null, first."
            )
        await self._templates.delete_template(id_, by)
        return template

    async def _open_windows(self, id_: str) -> None:
        for offset in count(0, AT_A_TIME):
            cut = Cut("created_at", limit=AT_A_TIME, offset=offset)
            keys = await self._listing.list_keys(KeyFilter(budget_id=id_), cut)
            users = await self._listing.list_users(UserFilter(budget_id=id_), cut)
            await self._spendings.open_windows(keys.records)
            await self._spendings.open_windows(user.user for user in users.records)
            if offset + AT_A_TIME >= max(keys.total, users.total):
                return
