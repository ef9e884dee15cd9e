"""Users and keys in PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, LiteralString

from psycopg import errors
from psycopg.rows import dict_row, scalar_row

from app.domain.allowance import Allowance
from app.domain.audit import Author
from app.domain.identity import KeyHash, KeyId, UserId
from app.domain.keys import Key, User
from app.domain.ledger import Account
from app.errors import Conflict, GatewayError
from app.ports import NOTHING, NewSecret
from app.store.columns import USER_SHOWN, update
from app.store.database import Database
from app.store.record_statements import (
    DELETE_KEYS,
    DELETE_USERS,
    KEY,
    KEY_BY_ALIAS,
    KEYS_OF,
    OPENED,
    SHARED_BUDGET,
    SPENDS,
    SPENT,
    START_KEY,
    START_USER,
    START_USER_AND_KEY,
    USER,
    USERS_BY_EMAIL,
    changed_key,
    rotate,
)
from app.store.refusals import refused
from app.store.rows import (
    key_of,
    key_values,
    marked,
    stored,
    template_of,
    user_of,
    user_values,
)
from app.store.windows import names, open_windows

ONE_USER: Final = "gateway_user_one_per_email"


class PostgresRecords:
    """Implements the port Records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_user(
        self, user: User, key: Key | None, by: Author, windows: Sequence[Account] = ()
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

    async def add_key(self, key: Key, by: Author, windows: Sequence[Account] = ()) -> None:
        values = marked("k_", key_values(key)) | {"windows": names(windows)}
        try:
            await self._database.execute(START_KEY, values, by)
        except errors.IntegrityError as error:
            if not await self._stored(key):
                raise refused(error, key_values(key)) from error

    async def shared_budget(self, budget_id: str) -> Allowance | None:
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
        windows: Sequence[Account] = (),
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
        windows: Sequence[Account] = (),
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
        windows: Sequence[Account] = (),
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
        windows: Sequence[Account],
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
