"""Making users and keys, and saying what they have spent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from app.domain.budgets import LIFETIME, UNLIMITED, Budget, parse_duration
from app.domain.guardrail import Guardrail
from app.domain.identity import KeyHash, UserId
from app.domain.keys import MIN_LENGTH, PREFIX, Key, User, generate_key, hash_key, key_name
from app.domain.ledger import Account, Scope
from app.errors import InvalidRequest, NotFound
from app.ports import KeyDirectory, Records
from app.service.accounts import Accounts
from app.service.clock import Clock

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_592_000}


@dataclass(frozen=True, slots=True)
class Spending:
    """USD: `spend` in the budget's present window, `total` for ever; `resets_at` in UTC."""

    spend: Decimal
    total: Decimal
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a new key shall be; `duration` is how long it lives, as `90d`."""

    alias: str | None = None
    user_id: str | None = None
    models: tuple[str, ...] = ()
    budget: Budget = UNLIMITED
    duration: str | None = None
    key: str | None = None
    blocked: bool = False
    guardrail: str | None = None


@dataclass(frozen=True, slots=True)
class UserRequest:
    user_id: str | None = None
    email: str | None = None
    alias: str | None = None
    models: tuple[str, ...] = ()
    budget: Budget = UNLIMITED
    guardrail: str | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its maker sees it, this once: `secret` is kept nowhere."""

    secret: str
    key: Key


class Administration:
    """The use cases of the platform team."""

    def __init__(
        self, records: Records, directory: KeyDirectory, accounts: Accounts, clock: Clock
    ) -> None:
        self._records = records
        self._directory = directory
        self._accounts = accounts
        self._clock = clock

    async def new_key(self, request: KeyRequest) -> NewKey:
        """Raises InvalidRequest, Conflict (alias taken), NotFound (no such user)."""
        made = self._key(request)
        await self._records.add_key(made.key)
        return made

    async def new_user(
        self, request: UserRequest, first_key: KeyRequest | None
    ) -> tuple[User, NewKey | None]:
        """A user, and a first key bounded by the user alone. Raises InvalidRequest, Conflict."""
        _check_duration(request.budget)
        user = User(
            id=UserId(request.user_id or str(uuid4())),
            email=request.email,
            alias=request.alias,
            models=request.models,
            blocked=False,
            budget=request.budget,
            guardrail=_guardrail(request.guardrail),
        )
        made = None
        if first_key is not None:
            made = self._key(replace(first_key, user_id=user.id))
        await self._records.add_user(user, made.key if made else None)
        return user, made

    async def key(self, key_or_hash: str) -> Key:
        """By the key itself or its hash. Raises NotFound."""
        is_secret = key_or_hash.startswith(PREFIX)
        key_hash = hash_key(key_or_hash) if is_secret else KeyHash(key_or_hash)
        found = await self._directory.find(key_hash)
        if found is None:
            raise NotFound("No such key.")
        return found.key

    async def user(self, user_id: str) -> tuple[User, Sequence[Key]]:
        """A user with all keys. Raises NotFound."""
        user = await self._records.user(UserId(user_id))
        if user is None:
            raise NotFound(f"User {user_id} not found")
        return user, await self._records.keys_of(user.id)

    async def spending(self, record: Key | User) -> Spending:
        scope, id_ = (
            (Scope.KEY, record.hash) if isinstance(record, Key) else (Scope.USER, record.id)
        )
        present = self._accounts.present(scope, id_, record.budget, self._clock.now())
        total = await self._records.spent(Account(scope, id_, LIFETIME, None))
        spend = total if present.lifetime else await self._records.spent(present)
        return Spending(spend=spend, total=total, resets_at=present.window.end)

    def _key(self, request: KeyRequest) -> NewKey:
        _check_duration(request.budget)
        secret = request.key or generate_key()
        if not secret.startswith(PREFIX) or len(secret) < MIN_LENGTH or not secret.isascii():
            raise InvalidRequest(
                f"key: must begin with {PREFIX} and have at least {MIN_LENGTH} ASCII characters"
            )
        key = Key(
            hash=hash_key(secret),
            name=key_name(secret),
            alias=request.alias,
            user_id=UserId(request.user_id) if request.user_id is not None else None,
            models=request.models,
            expires=self._expiry(request.duration),
            blocked=request.blocked,
            budget=request.budget,
            guardrail=_guardrail(request.guardrail),
        )
        return NewKey(secret, key)

    def _expiry(self, duration: str | None) -> datetime | None:
        if duration is None:
            return None
        count, unit = _parsed("duration", duration)
        return self._clock.now() + timedelta(seconds=count * _SECONDS[unit])


def _check_duration(budget: Budget) -> None:
    if budget.duration is not None:
        _parsed("budget_duration", budget.duration)


def _guardrail(text: str | None) -> Guardrail | None:
    try:
        return Guardrail.parse(text) if text is not None else None
    except ValueError as error:
        raise InvalidRequest(f"guardrail: {error}") from error


def _parsed(field: str, duration: str) -> tuple[int, str]:
    try:
        return parse_duration(duration)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}") from error
