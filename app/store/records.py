"""Users and keys in PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

from psycopg import errors
from psycopg.rows import dict_row, scalar_row

from app.domain.audit import Author
from app.domain.identity import KeyHash, KeyId, UserId
from app.domain.keys import Key, User
from app.domain.ledger import Account
from app.errors import Conflict
from app.store.columns import KEY_COLUMNS, KEY_SHOWN, USER_COLUMNS, USER_SHOWN, insert, update
from app.store.database import Database
from app.store.refusals import refused
from app.store.rows import key_of, key_values, marked, stored, user_of, user_values
from app.store.windows import open_windows

KEYS: LiteralString = f"SELECT {KEY_SHOWN} FROM api_key k LEFT JOIN budget kb USING (budget_id)"
USERS: LiteralString = (
    f"SELECT {USER_SHOWN} FROM gateway_user u LEFT JOIN budget ub USING (budget_id)"
)

KEY: LiteralString = f"""
{KEYS} WHERE k.key_id = coalesce(
           (SELECT key_id FROM api_key WHERE key_hash = %(name)s),
           (SELECT key_id FROM retired_secret WHERE key_hash = %(name)s),
           %(name)s)
"""

KEY_BY_ALIAS: LiteralString = f"{KEYS} WHERE k.key_alias = %(alias)s"

KEYS_OF: LiteralString = f"{KEYS} WHERE k.user_id = %(user_id)s ORDER BY k.created_at, k.key_id"

USER: LiteralString = f"{USERS} WHERE u.user_id = %(user_id)s"

USERS_BY_EMAIL: LiteralString = f"""
{USERS} WHERE lower(u.user_email) = lower(%(email)s) ORDER BY u.user_id LIMIT 2
"""

ADD_KEY: LiteralString = insert("api_key", KEY_COLUMNS, "k_")
ADD_USER: LiteralString = insert("gateway_user", USER_COLUMNS, "u_")
ADD_USER_AND_KEY: LiteralString = f"WITH new_user AS ({ADD_USER}) {ADD_KEY}"

DELETE_KEYS: LiteralString = "DELETE FROM api_key WHERE key_id = ANY(%(ids)s)"

DELETE_USERS: LiteralString = """
WITH theirs AS (DELETE FROM api_key WHERE user_id = ANY(%(ids)s))
DELETE FROM gateway_user WHERE user_id = ANY(%(ids)s)
"""

# No older secret outlives the one that is replaced now. Repeated, it finds the new one in place.
ROTATE: LiteralString = """
WITH old AS (
    SELECT key_id, key_hash, key_name FROM api_key
     WHERE key_id = %(key_id)s AND key_hash <> %(new_hash)s FOR UPDATE
), older AS (
    UPDATE retired_secret r SET good_until = least(r.good_until, %(good_until)s)
      FROM old WHERE r.key_id = old.key_id
), retired AS (
    INSERT INTO retired_secret (key_hash, key_id, key_name, good_until)
    SELECT key_hash, key_id, key_name, %(good_until)s FROM old
)
UPDATE api_key k SET key_hash = %(new_hash)s, key_name = %(new_name)s, updated_at = now()
  FROM old WHERE k.key_id = old.key_id
"""

SPENT: LiteralString = """
SELECT spent FROM budget_account
 WHERE scope = %(scope)s AND id = %(id)s AND window_start = %(start)s
"""

SPENDS: LiteralString = """
SELECT coalesce(a.spent, 0)
  FROM unnest(%(scopes)s::text[], %(ids)s::text[], %(starts)s::timestamptz[])
       WITH ORDINALITY AS w (scope, id, start, place)
  LEFT JOIN budget_account a ON a.scope = w.scope AND a.id = w.id AND a.window_start = w.start
 ORDER BY w.place
"""


class PostgresRecords:
    """Implements the port Records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_user(self, user: User, key: Key | None, by: Author) -> None:
        query, values = ADD_USER, marked("u_", user_values(user))
        if key is not None:
            query, values = ADD_USER_AND_KEY, values | marked("k_", key_values(key))
        try:
            await self._database.execute(query, values, by)
        except errors.IntegrityError as error:
            if not await self._all_stored(user, key):
                alias = {"key_alias": key.alias} if key else {}
                raise refused(error, user_values(user) | alias) from error

    async def add_key(self, key: Key, by: Author) -> None:
        try:
            await self._database.execute(ADD_KEY, marked("k_", key_values(key)), by)
        except errors.IntegrityError as error:
            if not await self._stored(key):
                raise refused(error, key_values(key)) from error

    async def _all_stored(self, user: User, key: Key | None) -> bool:
        found = await self.user(user.id)
        same = found is not None and replace(found, template=user.template) == user
        return same and (key is None or await self._stored(key))

    async def _stored(self, key: Key) -> bool:
        """Whether just this key is there: the database took it, but its answer was lost, and the
        statement was repeated."""
        found = await self.key(key.id)
        return found is not None and replace(found, template=key.template) == key

    async def user(self, user_id: UserId) -> User | None:
        rows = await self._database.rows(USER, {"user_id": user_id}, dict_row)
        return user_of(rows[0]) if rows else None

    async def users_by_email(self, email: str) -> Sequence[User]:
        rows = await self._database.rows(USERS_BY_EMAIL, {"email": email}, dict_row)
        return [user_of(row) for row in rows]

    async def keys_of(self, user_id: UserId) -> Sequence[Key]:
        rows = await self._database.rows(KEYS_OF, {"user_id": user_id}, dict_row)
        return [key_of(row) for row in rows]

    async def key(self, name: KeyId | KeyHash) -> Key | None:
        rows = await self._database.rows(KEY, {"name": name}, dict_row)
        return key_of(rows[0]) if rows else None

    async def key_by_alias(self, alias: str) -> Key | None:
        rows = await self._database.rows(KEY_BY_ALIAS, {"alias": alias}, dict_row)
        return key_of(rows[0]) if rows else None

    async def update_user(
        self, user_id: UserId, changes: Mapping[str, Any], by: Author
    ) -> User | None:
        changed = update("gateway_user", "user_id", changes)
        query = (
            f"WITH changed AS ({changed}) SELECT {USER_SHOWN} FROM changed u "
            "LEFT JOIN budget ub USING (budget_id)"
        )
        row = await self._changed(query, {**changes, "user_id": user_id}, by)
        return user_of(row) if row else None

    async def update_key(self, key_id: KeyId, changes: Mapping[str, Any], by: Author) -> Key | None:
        changed = update("api_key", "key_id", changes)
        query = (
            f"WITH changed AS ({changed}) SELECT {KEY_SHOWN} FROM changed k "
            "LEFT JOIN budget kb USING (budget_id)"
        )
        row = await self._changed(query, {**changes, "key_id": key_id}, by)
        return key_of(row) if row else None

    async def _changed(
        self, query: LiteralString, values: dict[str, Any], by: Author
    ) -> dict[str, Any] | None:
        try:
            rows = await self._database.rows(query, stored(values), dict_row, by)
        except errors.IntegrityError as error:
            raise refused(error, values) from error
        return rows[0] if rows else None

    async def replace_secret(
        self, key_id: KeyId, new_hash: KeyHash, new_name: str, good_until: datetime, by: Author
    ) -> None:
        values = {
            "key_id": key_id,
            "new_hash": new_hash,
            "new_name": new_name,
            "good_until": good_until,
        }
        try:
            await self._database.execute(ROTATE, values, by)
        except errors.UniqueViolation as error:
            raise Conflict("This key exists already.") from error

    async def delete_users(self, ids: Sequence[UserId], by: Author) -> None:
        await self._database.execute(DELETE_USERS, {"ids": list(ids)}, by)

    async def delete_keys(self, ids: Sequence[KeyId], by: Author) -> None:
        await self._database.execute(DELETE_KEYS, {"ids": list(ids)}, by)

    async def spent(self, account: Account) -> Decimal:
        rows = await self._database.rows(
            SPENT,
            {"scope": account.scope.value, "id": account.id, "start": account.window.start},
            scalar_row,
        )
        return Decimal(rows[0]) if rows else Decimal(0)

    async def spends(self, accounts: Sequence[Account]) -> Sequence[Decimal]:
        values = {
            "scopes": [account.scope.value for account in accounts],
            "ids": [account.id for account in accounts],
            "starts": [account.window.start for account in accounts],
        }
        return await self._database.rows(SPENDS, values, scalar_row)

    async def open_windows(self, accounts: Sequence[Account]) -> None:
        await open_windows(self._database, accounts)
