"""Lists of users and keys from PostgreSQL."""

from dataclasses import dataclass
from typing import Any, Final, Literal, LiteralString, Protocol

from psycopg.rows import dict_row, scalar_row

from app.database.database import Database
from app.database.paging import Cut, Page
from app.identity.columns import KEY_SHOWN, USER_SHOWN, key_of, user_of
from app.identity.policy import Key, User


@dataclass(frozen=True, slots=True)
class UserSummary:
    user: User
    key_count: int


@dataclass(frozen=True, slots=True)
class UserFilter:
    """None is any; `email` and `alias` may be a part of it, in any case."""

    ids: tuple[str, ...] | None = None
    email: str | None = None
    alias: str | None = None
    role: str | None = None
    blocked: bool | None = None
    budget_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """None is any; `alias` may be a part of it, in any case."""

    user_id: str | None = None
    key_id: str | None = None
    alias: str | None = None
    blocked: bool | None = None
    budget_id: str | None = None
    tag: str | None = None


UserOrder = Literal[
    "user_id", "user_email", "user_alias", "user_role", "max_budget", "spend", "created_at",
    "updated_at",
]  # fmt: skip

KeyOrder = Literal[
    "key_alias", "key_name", "user_id", "max_budget", "spend", "expires", "created_at",
    "updated_at",
]  # fmt: skip


class Listing(Protocol):
    """Users and keys, some at a time."""

    async def list_users(self, which: UserFilter, cut: Cut) -> Page[UserSummary]: ...

    async def list_keys(self, which: KeyFilter, cut: Cut) -> Page[Key]: ...


WHICH_USERS: LiteralString = """
  FROM gateway_user u LEFT JOIN budget ub USING (budget_id)
  LEFT JOIN budget_counter s ON s.scope = 'user' AND s.id = u.user_id AND s.window_start = 'epoch'
 WHERE (%(ids)s::text[] IS NULL OR u.user_id = ANY(%(ids)s))
   AND (%(email)s::text IS NULL OR position(lower(%(email)s) IN lower(u.user_email)) > 0)
   AND (%(alias)s::text IS NULL OR position(lower(%(alias)s) IN lower(u.user_alias)) > 0)
   AND (%(role)s::text IS NULL OR u.user_role = %(role)s)
   AND (%(blocked)s::boolean IS NULL OR u.blocked = %(blocked)s)
   AND (%(budget_id)s::text IS NULL OR u.budget_id = %(budget_id)s)
"""

WHICH_KEYS: LiteralString = """
  FROM api_key k LEFT JOIN budget kb USING (budget_id)
  LEFT JOIN budget_counter s ON s.scope = 'key' AND s.id = k.key_id AND s.window_start = 'epoch'
 WHERE (%(user_id)s::text IS NULL OR k.user_id = %(user_id)s)
   AND (%(key_id)s::text IS NULL OR k.key_id = %(key_id)s)
   AND (%(alias)s::text IS NULL OR position(lower(%(alias)s) IN lower(k.key_alias)) > 0)
   AND (%(blocked)s::boolean IS NULL OR k.blocked = %(blocked)s)
   AND (%(budget_id)s::text IS NULL OR k.budget_id = %(budget_id)s)
   AND (%(tag)s::text IS NULL OR k.tags @> ARRAY[%(tag)s])
"""

KEY_COUNT: LiteralString = "(SELECT count(*) FROM api_key k WHERE k.user_id = u.user_id)"

SPEND: LiteralString = "coalesce(s.spent, 0)"

USER_ORDERS: Final[dict[str, LiteralString]] = {
    "user_id": "u.user_id",
    "user_email": "u.user_email",
    "user_alias": "u.user_alias",
    "user_role": "u.user_role",
    "max_budget": "u.max_budget",
    "spend": SPEND,
    "created_at": "u.created_at",
    "updated_at": "u.updated_at",
}

KEY_ORDERS: Final[dict[str, LiteralString]] = {
    "key_alias": "k.key_alias",
    "key_name": "k.key_name",
    "user_id": "k.user_id",
    "max_budget": "k.max_budget",
    "spend": SPEND,
    "expires": "k.expires",
    "created_at": "k.created_at",
    "updated_at": "k.updated_at",
}


def _cut(expression: LiteralString, last: LiteralString, cut: Cut) -> LiteralString:
    """The last column makes the order one that is the same each time."""
    direction = "DESC" if cut.order == "desc" else "ASC"
    return (
        f" ORDER BY {expression} {direction} NULLS LAST, {last} {direction}"
        " LIMIT %(limit)s OFFSET %(offset)s"
    )


class PostgresListing:
    """Implements the port Listing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_users(self, which: UserFilter, cut: Cut) -> Page[UserSummary]:
        values = {
            "ids": list(which.ids) if which.ids is not None else None,
            "email": which.email,
            "alias": which.alias,
            "role": which.role,
            "blocked": which.blocked,
            "budget_id": which.budget_id,
        }
        ordered = _cut(USER_ORDERS[cut.order_by], "u.user_id", cut)
        query = f"SELECT {USER_SHOWN}, {KEY_COUNT} AS key_count {WHICH_USERS} {ordered}"
        rows, total = await self._page(query, WHICH_USERS, values, cut)
        return Page([UserSummary(user_of(row), row["key_count"]) for row in rows], total)

    async def list_keys(self, which: KeyFilter, cut: Cut) -> Page[Key]:
        values = {
            "user_id": which.user_id,
            "key_id": which.key_id,
            "alias": which.alias,
            "blocked": which.blocked,
            "budget_id": which.budget_id,
            "tag": which.tag,
        }
        ordered = _cut(KEY_ORDERS[cut.order_by], "k.key_id", cut)
        query = f"SELECT {KEY_SHOWN} {WHICH_KEYS} {ordered}"
        rows, total = await self._page(query, WHICH_KEYS, values, cut)
        return Page([key_of(row) for row in rows], total)

    async def _page(
        self, query: LiteralString, which: LiteralString, values: dict[str, Any], cut: Cut
    ) -> tuple[list[dict[str, Any]], int]:
        limits = {"limit": cut.limit, "offset": cut.offset}
        rows = await self._database.rows(query, values | limits, dict_row)
        (total,) = await self._database.rows(f"SELECT count(*) {which}", values, scalar_row)
        return rows, total
