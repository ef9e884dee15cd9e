"""The statements about users and keys."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, LiteralString, Protocol

from psycopg import errors
from psycopg.rows import dict_row, scalar_row

from app.core.ids import Author, KeyHash, KeyId, UserId
from app.database.database import Database
from app.database.errors import refused
from app.errors import Conflict, GatewayError
from app.identity.columns import (
    KEY_COLUMNS,
    KEY_SHOWN,
    TEMPLATE_COLUMNS,
    USER_COLUMNS,
    USER_SHOWN,
    assignments,
    insert,
    key_of,
    key_values,
    marked,
    shown,
    stored,
    template_of,
    update,
    user_of,
    user_values,
)
from app.identity.policy import Key, Policy, User
from app.ledger.record import BudgetCounter
from app.ledger.windows import names, open_windows

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NewSecret:
    """Replaces a key's secret; those before it work until `valid_until` at the longest."""

    hash: KeyHash
    name: str
    valid_until: datetime


class Records(Protocol):
    """Users and keys, for administration. Changes are entered in the audit log by their author.

    Fields of changes have LiteLLM's names.
    """

    async def add_user(
        self, user: User, key: Key | None, by: Author, windows: Sequence[BudgetCounter] = ()
    ) -> None:
        """Add a user and a first key, and start the user's budget windows at zero, all or nothing.

        Raises Conflict if one exists, NotFound if its budget does not."""

    async def add_key(self, key: Key, by: Author, windows: Sequence[BudgetCounter] = ()) -> None:
        """Add a key and start its budget windows at zero, all or nothing.

        Raises Conflict if its alias is taken, NotFound if its user or budget does not exist."""

    async def shared_budget(self, budget_id: str) -> Policy | None:
        """The named budget of that id; None where there is none."""

    async def user(self, user_id: UserId) -> User | None: ...

    async def users_by_email(self, email: str) -> Sequence[User]:
        """Up to two users of that address, in any case of its letters."""

    async def keys_of(self, user_id: UserId) -> Sequence[Key]: ...

    async def key(self, name: KeyId | KeyHash) -> Key | None:
        """By its id, or the hash of a secret that it has or had."""

    async def key_by_alias(self, alias: str) -> Key | None: ...

    async def update_user(
        self,
        user_id: UserId,
        changes: Mapping[str, Any],
        by: Author,
        windows: Sequence[BudgetCounter] = (),
    ) -> User | None:
        """Change these fields alone and open these windows with what was spent in them; None where
        there is no such user. Raises NotFound for a budget that does not exist, InvalidRequest."""

    async def update_key(
        self,
        key_id: KeyId,
        changes: Mapping[str, Any],
        by: Author,
        windows: Sequence[BudgetCounter] = (),
    ) -> Key | None:
        """The same of a key. Raises Conflict, NotFound, InvalidRequest."""

    async def replace_secret(
        self,
        key_id: KeyId,
        secret: NewSecret,
        by: Author,
        changes: Mapping[str, Any] = NOTHING,
        windows: Sequence[BudgetCounter] = (),
    ) -> Key | None:
        """Replace the secret of a key and change these fields, all or nothing; None where there is
        no such key. Raises Conflict if the secret is or was in use, and as `update_key`."""

    async def delete_users(self, ids: Sequence[UserId], by: Author) -> None:
        """With all of their keys."""

    async def delete_keys(self, ids: Sequence[KeyId], by: Author) -> None: ...

    async def spent(self, account: BudgetCounter) -> Decimal:
        """USD settled in an account so far."""

    async def spends(self, accounts: Sequence[BudgetCounter]) -> Sequence[Decimal]:
        """The same of several, in their order."""

    async def open_windows(self, accounts: Sequence[BudgetCounter]) -> None:
        """Begin accounts with what was spent in their windows already."""


KEYS: LiteralString = f"SELECT {KEY_SHOWN} FROM api_key k LEFT JOIN budget kb USING (budget_id)"

USERS: LiteralString = (
    f"SELECT {USER_SHOWN} FROM gateway_user u LEFT JOIN budget ub USING (budget_id)"
)

KEY: LiteralString = f"""
{KEYS} WHERE k.key_id = coalesce(
           (SELECT key_id FROM api_key WHERE key_hash = %(name)s),
           (SELECT key_id FROM previous_key_secret WHERE key_hash = %(name)s),
           %(name)s)
"""

KEY_BY_ALIAS: LiteralString = f"{KEYS} WHERE k.key_alias = %(alias)s"

KEYS_OF: LiteralString = f"{KEYS} WHERE k.user_id = %(user_id)s ORDER BY k.created_at, k.key_id"

USER: LiteralString = f"{USERS} WHERE u.user_id = %(user_id)s"

USERS_BY_EMAIL: LiteralString = f"""
{USERS} WHERE lower(u.user_email) = lower(%(email)s)
 ORDER BY u.duplicate_email, u.user_id LIMIT 2
"""

ADD_KEY: LiteralString = insert("api_key", KEY_COLUMNS, "k_")

ADD_USER: LiteralString = insert("gateway_user", USER_COLUMNS, "u_")

START_KEY: LiteralString = f"""
WITH new_key AS ({ADD_KEY} RETURNING key_id)
SELECT reset_counters_v1('key', key_id, %(windows)s::jsonb) FROM new_key
"""

START_USER: LiteralString = f"""
WITH new_user AS ({ADD_USER} RETURNING user_id)
SELECT reset_counters_v1('user', user_id, %(windows)s::jsonb) FROM new_user
"""

START_USER_AND_KEY: LiteralString = f"""
WITH new_user AS ({ADD_USER} RETURNING user_id), new_key AS ({ADD_KEY} RETURNING key_id)
SELECT reset_counters_v1('user', user_id, %(windows)s::jsonb),
       reset_counters_v1('key', key_id, '[]') FROM new_user, new_key
"""

SHARED_BUDGET: LiteralString = f"""
SELECT {shown("b", TEMPLATE_COLUMNS)} FROM budget b WHERE budget_id = %(budget_id)s
"""

DELETE_KEYS: LiteralString = "DELETE FROM api_key WHERE key_id = ANY(%(ids)s)"

DELETE_USERS: LiteralString = """
WITH theirs AS (DELETE FROM api_key WHERE user_id = ANY(%(ids)s))
DELETE FROM gateway_user WHERE user_id = ANY(%(ids)s)
"""

OPENED: LiteralString = "seed_counters_v1(%(windows)s::jsonb)"


def changed_key(query: LiteralString) -> LiteralString:
    """The key as a statement left it; its windows are opened in the same step."""
    return (
        f"WITH {query} SELECT {KEY_SHOWN}, {OPENED} FROM changed k "
        "LEFT JOIN budget kb USING (budget_id)"
    )


def rotate(changes: Iterable[str]) -> LiteralString:
    """No older secret outlives the one that is replaced now. Repeated, it finds the new one in
    place and changes nothing."""
    return changed_key(f"""old AS (
    SELECT key_id, key_hash, key_name FROM api_key
     WHERE key_id = %(key_id)s AND key_hash <> %(new_hash)s FOR UPDATE
), older AS (
    UPDATE previous_key_secret r SET valid_until = least(r.valid_until, %(valid_until)s)
      FROM old WHERE r.key_id = old.key_id
), retired AS (
    INSERT INTO previous_key_secret (key_hash, key_id, key_name, valid_until)
    SELECT key_hash, key_id, key_name, %(valid_until)s FROM old
), changed AS (
    UPDATE api_key k SET {assignments(changes)}key_hash = %(new_hash)s, key_name = %(new_name)s,
           updated_at = now()
      FROM old WHERE k.key_id = old.key_id RETURNING k.*
)""")


SPENT: LiteralString = """
SELECT spent FROM budget_counter
 WHERE scope = %(scope)s AND id = %(id)s AND window_start = %(start)s
"""

SPENDS: LiteralString = """
SELECT coalesce(a.spent, 0)
  FROM unnest(%(scopes)s::text[], %(ids)s::text[], %(starts)s::timestamptz[])
       WITH ORDINALITY AS w (scope, id, start, place)
  LEFT JOIN budget_counter a ON a.scope = w.scope AND a.id = w.id AND a.window_start = w.start
 ORDER BY w.place
"""

ONE_USER: Final = "gateway_user_one_per_email"


class PostgresRecords:
    """Implements the port Records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_user(
        self, user: User, key: Key | None, by: Author, windows: Sequence[BudgetCounter] = ()
    ) -> None:
        query, values = START_USER, marked("u_", user_values(user)) | {"windows": names(windows)}
        if key is not None:
            query, values = START_USER_AND_KEY, values | marked("k_", key_values(key))
        try:
            await self._database.execute(query, values, by)
        except errors.IntegrityError as error:
            if not await self._all_stored(user, key):
                alias = {"key_alias": key.alias} if key else {}
                raise await self._refused(error, user_values(user) | alias) from error

    async def add_key(self, key: Key, by: Author, windows: Sequence[BudgetCounter] = ()) -> None:
        values = marked("k_", key_values(key)) | {"windows": names(windows)}
        try:
            await self._database.execute(START_KEY, values, by)
        except errors.IntegrityError as error:
            if not await self._stored(key):
                raise refused(error, key_values(key)) from error

    async def shared_budget(self, budget_id: str) -> Policy | None:
        rows = await self._database.rows(SHARED_BUDGET, {"budget_id": budget_id}, dict_row)
        return template_of(rows[0], "b") if rows else None

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
        self,
        user_id: UserId,
        changes: Mapping[str, Any],
        by: Author,
        windows: Sequence[BudgetCounter] = (),
    ) -> User | None:
        changed = update("gateway_user", "user_id", changes)
        query = (
            f"WITH changed AS ({changed}) SELECT {USER_SHOWN}, {OPENED} FROM changed u "
            "LEFT JOIN budget ub USING (budget_id)"
        )
        row = await self._changed(query, {**changes, "user_id": user_id}, by, windows)
        return user_of(row) if row else None

    async def update_key(
        self,
        key_id: KeyId,
        changes: Mapping[str, Any],
        by: Author,
        windows: Sequence[BudgetCounter] = (),
    ) -> Key | None:
        query = changed_key(f"changed AS ({update('api_key', 'key_id', changes)})")
        row = await self._changed(query, {**changes, "key_id": key_id}, by, windows)
        return key_of(row) if row else None

    async def replace_secret(
        self,
        key_id: KeyId,
        secret: NewSecret,
        by: Author,
        changes: Mapping[str, Any] = NOTHING,
        windows: Sequence[BudgetCounter] = (),
    ) -> Key | None:
        values = {
            **changes,
            "key_id": key_id,
            "new_hash": secret.hash,
            "new_name": secret.name,
            "valid_until": secret.valid_until,
        }
        row = await self._changed(rotate(changes), values, by, windows)
        return key_of(row) if row else await self.key(key_id)

    async def _changed(
        self,
        query: LiteralString,
        values: dict[str, Any],
        by: Author,
        windows: Sequence[BudgetCounter],
    ) -> dict[str, Any] | None:
        parameters = stored(values) | {"windows": names(windows)}
        try:
            rows = await self._database.rows(query, parameters, dict_row, by)
        except errors.IntegrityError as error:
            raise await self._refused(error, values) from error
        return rows[0] if rows else None

    async def _refused(
        self, error: errors.IntegrityError, values: Mapping[str, Any]
    ) -> GatewayError:
        """Names the user who has an address already."""
        if error.diag.constraint_name != ONE_USER:
            return refused(error, values)
        found = await self.users_by_email(values["user_email"])
        whose = f" {found[0].id}" if found else ""
        return Conflict(
            f"user_email: the user{whose} has the address {values['user_email']} already; change "
            "that user by /user/update, or send another address"
        )

    async def delete_users(self, ids: Sequence[UserId], by: Author) -> None:
        await self._database.execute(DELETE_USERS, {"ids": list(ids)}, by)

    async def delete_keys(self, ids: Sequence[KeyId], by: Author) -> None:
        await self._database.execute(DELETE_KEYS, {"ids": list(ids)}, by)

    async def spent(self, account: BudgetCounter) -> Decimal:
        rows = await self._database.rows(
            SPENT,
            {"scope": account.scope.value, "id": account.id, "start": account.window.start},
            scalar_row,
        )
        return Decimal(rows[0]) if rows else Decimal(0)

    async def spends(self, accounts: Sequence[BudgetCounter]) -> Sequence[Decimal]:
        values = {
            "scopes": [account.scope.value for account in accounts],
            "ids": [account.id for account in accounts],
            "starts": [account.window.start for account in accounts],
        }
        return await self._database.rows(SPENDS, values, scalar_row)

    async def open_windows(self, accounts: Sequence[BudgetCounter]) -> None:
        await open_windows(self._database, accounts)
