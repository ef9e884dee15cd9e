"""Users: making, finding, changing and deleting them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from app.core.ids import Author, UserId
from app.core.time import Clock
from app.database.paging import Cut, Page
from app.errors import Conflict, NotFound
from app.identity.administrators import Administrator
from app.identity.authentication import Authenticator
from app.identity.fields import Fields, allowance_of, guardrail_of
from app.identity.keys import Keys, NewKey
from app.identity.listing import Listing, UserFilter, UserSummary
from app.identity.policy import Key, Role, User
from app.identity.records import Records
from app.identity.spending import SpendTotals


class Users:
    """The platform team's use cases about users. Fields go by LiteLLM's names."""

    def __init__(
        self,
        records: Records,
        listing: Listing,
        keys: Keys,
        fields: Fields,
        spendings: SpendTotals,
        authenticator: Authenticator,
        clock: Clock,
        defaults: Mapping[str, Any],
    ) -> None:
        """`defaults` are fields of users who are created without them, by LiteLLM's names."""
        self._records = records
        self._listing = listing
        self._keys = keys
        self._fields = fields
        self._spendings = spendings
        self._authenticator = authenticator
        self._clock = clock
        self._defaults = defaults

    async def add(
        self,
        sent: Mapping[str, Any],
        first_key: Mapping[str, Any] | None,
        who: Administrator,
        by: Author,
    ) -> tuple[User, NewKey | None]:
        """A user, and a first key bounded by the user alone. Raises InvalidRequest, Conflict,
        NotFound (no such budget), PermissionDenied."""
        fields = self._fields.checked(self._with_defaults(sent))
        role = Role(fields.get("user_role") or Role.INTERNAL)
        who.check_may_grant(role)
        now = self._clock.now()
        user = User(
            id=UserId(fields.get("user_id") or str(uuid4())),
            email=fields.get("user_email"),
            alias=fields.get("user_alias"),
            blocked=fields.get("blocked", False),
            own=allowance_of(fields),
            role=role,
            budget_id=fields.get("budget_id"),
            guardrail=guardrail_of(fields),
            metadata=fields.get("metadata") or {},
            created_at=now,
            updated_at=now,
        )
        made = None
        if first_key is not None:
            made = self._keys.made({**first_key, "user_id": user.id}, by)
        user = replace(user, template=await self._spendings.shared_budget(user.budget_id))
        # All is read before: once user and key are there, nothing can fail, and the key is shown.
        windows = self._spendings.windows(user)
        await self._records.add_user(user, made.key if made else None, by, windows)
        return user, made

    def _with_defaults(self, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        """A field that is sent as null is a choice, and stays."""
        fields = dict(self._defaults)
        if {"max_budget", "budget_id"} & sent.keys():
            fields.pop("max_budget", None)
            fields.pop("budget_duration", None)
        return {**fields, **sent}

    async def get(self, user_id: str) -> tuple[User, Sequence[Key]]:
        """A user with all keys. Raises NotFound."""
        user = await self._found(user_id)
        return user, await self._records.keys_of(user.id)

    async def list(self, which: UserFilter, cut: Cut) -> Page[UserSummary]:
        return await self._listing.list_users(which, cut)

    async def by_email(self, email: str) -> User:
        """Raises NotFound; Conflict where several users have this address."""
        email = email.strip()
        found = await self._records.users_by_email(email)
        if not found:
            raise NotFound(f"There is no user with the user_email {email}.")
        if len(found) > 1:
            raise Conflict(f"Several users have the user_email {email}; name one by user_id.")
        return found[0]

    async def update(
        self, user_id: str, sent: Mapping[str, Any], who: Administrator, by: Author
    ) -> User:
        """What isn't sent stays, null clears. Raises NotFound, InvalidRequest, PermissionDenied."""
        changes = self._fields.checked(sent)
        user = await self._found(user_id)
        who.check_may_change(user)
        if "user_role" in changes:
            who.check_may_grant(Role(changes["user_role"]))
        windows = await self._spendings.opened_by(user, changes)
        changed = await self._records.update_user(user.id, changes, by, windows)
        self._authenticator.forget_all()
        if changed is None:
            raise NotFound(f"User {user_id} not found")
        return changed

    async def delete(self, user_ids: Sequence[str], who: Administrator, by: Author) -> int:
        """All of them with their keys, or none; the number of users. Raises NotFound,
        PermissionDenied."""
        users = [await self._found(user_id) for user_id in dict.fromkeys(user_ids)]
        for user in users:
            who.check_may_change(user)
        await self._records.delete_users([user.id for user in users], by)
        self._authenticator.forget_all()
        return len(users)

    async def _found(self, user_id: str) -> User:
        user = await self._records.user(UserId(user_id))
        if user is None:
            raise NotFound(f"User {user_id} not found")
        return user
