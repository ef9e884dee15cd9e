"""Users and keys in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

from psycopg import errors
from psycopg.rows import class_row, scalar_row

from app.domain.budgets import Budget
from app.domain.guardrail import Guardrail
from app.domain.identity import KeyHash, UserId
from app.domain.keys import Caller, Key, User
from app.domain.ledger import Account
from app.errors import Conflict, NotFound
from app.store.database import Database

FIND: LiteralString = """
SELECT k.key_hash, k.key_name, k.key_alias, k.user_id, k.models, k.expires, k.blocked,
       k.max_budget, k.budget_duration, k.guardrail,
       u.user_email, u.user_alias, u.models AS user_models, u.blocked AS user_blocked,
       u.max_budget AS user_max_budget, u.budget_duration AS user_budget_duration,
       u.guardrail AS user_guardrail
  FROM api_key k LEFT JOIN gateway_user u USING (user_id)
 WHERE k.key_hash = %(key_hash)s
"""

KEYS_OF: LiteralString = """
SELECT key_hash, key_name, key_alias, user_id, models, expires, blocked, max_budget,
       budget_duration, guardrail
  FROM api_key WHERE user_id = %(user_id)s ORDER BY created_at, key_hash
"""

USER: LiteralString = """
SELECT user_id, user_email, user_alias, models, blocked, max_budget, budget_duration,
       guardrail
  FROM gateway_user WHERE user_id = %(user_id)s
"""

ADD_KEY: LiteralString = """
INSERT INTO api_key (key_hash, key_name, key_alias, user_id, models, expires, blocked,
                     max_budget, budget_duration, guardrail)
VALUES (%(key_hash)s, %(key_name)s, %(key_alias)s, %(user_id)s, %(models)s, %(expires)s,
        %(blocked)s, %(max_budget)s, %(budget_duration)s, %(guardrail)s)
"""

ADD_USER: LiteralString = """
INSERT INTO gateway_user (user_id, user_email, user_alias, models, blocked, max_budget,
                          budget_duration, guardrail)
VALUES (%(user_id)s, %(user_email)s, %(user_alias)s, %(user_models)s, %(user_blocked)s,
        %(user_max_budget)s, %(user_budget_duration)s, %(user_guardrail)s)
"""

ADD_USER_AND_KEY: LiteralString = f"WITH new_user AS ({ADD_USER}) {ADD_KEY}"

SPENT: LiteralString = """
SELECT spent FROM budget_account
 WHERE scope = %(scope)s AND id = %(id)s AND window_start = %(start)s
"""


@dataclass(frozen=True, slots=True)
class _KeyRow:
    key_hash: str
    key_name: str
    key_alias: str | None
    user_id: str | None
    models: list[str]
    expires: datetime | None
    blocked: bool
    max_budget: Decimal | None
    budget_duration: str | None
    guardrail: str | None

    def key(self) -> Key:
        return Key(
            hash=KeyHash(self.key_hash),
            name=self.key_name,
            alias=self.key_alias,
            user_id=UserId(self.user_id) if self.user_id is not None else None,
            models=tuple(self.models),
            expires=self.expires,
            blocked=self.blocked,
            budget=Budget(self.max_budget, self.budget_duration),
            guardrail=_guardrail(self.guardrail),
        )


@dataclass(frozen=True, slots=True)
class _UserRow:
    user_id: str
    user_email: str | None
    user_alias: str | None
    models: list[str]
    blocked: bool
    max_budget: Decimal | None
    budget_duration: str | None
    guardrail: str | None

    def user(self) -> User:
        return User(
            id=UserId(self.user_id),
            email=self.user_email,
            alias=self.user_alias,
            models=tuple(self.models),
            blocked=self.blocked,
            budget=Budget(self.max_budget, self.budget_duration),
            guardrail=_guardrail(self.guardrail),
        )


@dataclass(frozen=True, slots=True)
class _CallerRow(_KeyRow):
    user_email: str | None
    user_alias: str | None
    user_models: list[str] | None
    user_blocked: bool | None
    user_max_budget: Decimal | None
    user_budget_duration: str | None
    user_guardrail: str | None

    def caller(self) -> Caller:
        if self.user_id is None:
            return Caller(self.key(), None)
        user = _UserRow(
            self.user_id,
            self.user_email,
            self.user_alias,
            self.user_models or [],
            bool(self.user_blocked),
            self.user_max_budget,
            self.user_budget_duration,
            self.user_guardrail,
        )
        return Caller(self.key(), user.user())


class PostgresRecords:
    """Implements the ports KeyDirectory and Records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key_hash: KeyHash) -> Caller | None:
        rows = await self._database.rows(FIND, {"key_hash": key_hash}, class_row(_CallerRow))
        return rows[0].caller() if rows else None

    async def add_user(self, user: User, key: Key | None) -> None:
        parameters = _user_columns(user) | (_key_columns(key) if key is not None else {})
        try:
            await self._database.execute(ADD_USER_AND_KEY if key else ADD_USER, parameters)
        except errors.UniqueViolation as error:
            if not await self._stored(key):
                alias = key.alias if key else None
                raise _conflict(error, user_id=user.id, alias=alias) from error

    async def add_key(self, key: Key) -> None:
        try:
            await self._database.execute(ADD_KEY, _key_columns(key))
        except errors.UniqueViolation as error:
            if not await self._stored(key):
                raise _conflict(error, user_id=None, alias=key.alias) from error
        except errors.ForeignKeyViolation as error:
            raise NotFound(f"There is no user {key.user_id!r}; make it by /user/new.") from error

    async def _stored(self, key: Key | None) -> bool:
        """Whether just this key is there: the database took it, but its answer was lost, and the
        statement was repeated."""
        found = await self.find(key.hash) if key is not None else None
        return found is not None and found.key == key

    async def user(self, user_id: UserId) -> User | None:
        rows = await self._database.rows(USER, {"user_id": user_id}, class_row(_UserRow))
        return rows[0].user() if rows else None

    async def keys_of(self, user_id: UserId) -> Sequence[Key]:
        rows = await self._database.rows(KEYS_OF, {"user_id": user_id}, class_row(_KeyRow))
        return [row.key() for row in rows]

    async def spent(self, account: Account) -> Decimal:
        rows = await self._database.rows(
            SPENT,
            {"scope": account.scope.value, "id": account.id, "start": account.window.start},
            scalar_row,
        )
        return Decimal(rows[0]) if rows else Decimal(0)


def _guardrail(text: str | None) -> Guardrail | None:
    return Guardrail.parse(text) if text is not None else None


def _key_columns(key: Key) -> dict[str, Any]:
    return {
        "key_hash": key.hash,
        "key_name": key.name,
        "key_alias": key.alias,
        "user_id": key.user_id,
        "models": list(key.models),
        "expires": key.expires,
        "blocked": key.blocked,
        "max_budget": key.budget.max,
        "budget_duration": key.budget.duration,
        "guardrail": str(key.guardrail) if key.guardrail else None,
    }


def _user_columns(user: User) -> dict[str, Any]:
    return {
        "user_id": user.id,
        "user_email": user.email,
        "user_alias": user.alias,
        "user_models": list(user.models),
        "user_blocked": user.blocked,
        "user_max_budget": user.budget.max,
        "user_budget_duration": user.budget.duration,
        "user_guardrail": str(user.guardrail) if user.guardrail else None,
    }


def _conflict(error: errors.UniqueViolation, *, user_id: str | None, alias: str | None) -> Conflict:
    taken = error.diag.constraint_name
    if taken == "api_key_key_alias_key":
        return Conflict(f"A key with the alias {alias!r} exists already.")
    if taken == "gateway_user_pkey":
        return Conflict(f"User with id {user_id} already exists.")
    return Conflict("This key exists already.")
