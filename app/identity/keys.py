"""Keys: making, finding, changing, replacing and deleting them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.core.ids import Author, KeyHash, KeyId, UserId
from app.core.time import Clock
from app.database.paging import Cut, Page
from app.errors import InvalidRequest, NotFound
from app.identity.administrators import Administrator
from app.identity.authentication import Authenticator
from app.identity.fields import Fields, allowance_of, guardrail_of
from app.identity.listing import KeyFilter, Listing
from app.identity.policy import PREFIX, Key, User, check_own_key, generate_key, hash_key, key_name
from app.identity.records import NewSecret, Records
from app.identity.spending import SpendTotals


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its maker sees it, this once: `secret` is kept nowhere."""

    secret: str
    key: Key


class Keys:
    """The platform team's use cases about keys. Fields go by LiteLLM's names; a key is named by
    its secret, its id, or the hash of its secret."""

    def __init__(
        self,
        records: Records,
        listing: Listing,
        fields: Fields,
        spendings: SpendTotals,
        authenticator: Authenticator,
        clock: Clock,
    ) -> None:
        self._records = records
        self._listing = listing
        self._fields = fields
        self._spendings = spendings
        self._authenticator = authenticator
        self._clock = clock

    async def add(self, sent: Mapping[str, Any], who: Administrator, by: Author) -> NewKey:
        """Raises InvalidRequest, Conflict (alias taken), NotFound (no such user or budget),
        PermissionDenied."""
        made = self.made(sent, by)
        who.check_may_change(await self._owner(made.key.user_id))
        template = await self._spendings.shared_budget(made.key.budget_id)
        key = replace(made.key, template=template)
        # All is read before, so that nothing can fail once the key is there: its secret is shown
        # only now.
        await self._records.add_key(key, by, self._spendings.windows(key))
        return replace(made, key=key)

    def made(self, sent: Mapping[str, Any], by: Author) -> NewKey:
        """A key that is not stored yet. Raises InvalidRequest."""
        secret = self._secret("key", sent.get("key"))
        fields = self._fields.checked(sent)
        now = self._clock.now()
        user_id = fields.get("user_id")
        key = Key(
            id=KeyId(hash_key(secret)),
            hash=hash_key(secret),
            name=key_name(secret),
            alias=fields.get("key_alias"),
            user_id=UserId(user_id) if user_id is not None else None,
            expires=fields.get("expires"),
            blocked=fields.get("blocked", False),
            own=allowance_of(fields),
            budget_id=fields.get("budget_id"),
            guardrail=guardrail_of(fields),
            tags=tuple(fields.get("tags") or ()),
            metadata=fields.get("metadata") or {},
            created_at=now,
            created_by=by.name,
            updated_at=now,
        )
        return NewKey(secret, key)

    async def get(self, name: str) -> Key:
        """Raises NotFound."""
        is_secret = name.startswith(PREFIX)
        found = await self._records.key(hash_key(name) if is_secret else KeyHash(name))
        if found is None:
            raise NotFound("No such key.")
        return found

    async def list(self, which: KeyFilter, cut: Cut) -> Page[Key]:
        return await self._listing.list_keys(which, cut)

    async def update(
        self, name: str, sent: Mapping[str, Any], who: Administrator, by: Author
    ) -> Key:
        """What isn't sent stays, null clears. Raises NotFound, InvalidRequest, Conflict,
        PermissionDenied."""
        changes = self._fields.checked(sent)
        key = await self._changeable(name, who)
        await self._check_owner(changes, who)
        windows = await self._spendings.opened_by(key, changes)
        changed = await self._records.update_key(key.id, changes, by, windows)
        self._authenticator.forget_all()
        if changed is None:
            raise NotFound("No such key.")
        return changed

    async def replace(
        self,
        name: str,
        new_key: str | None,
        grace_period: str | None,
        sent: Mapping[str, Any],
        who: Administrator,
        by: Author,
    ) -> NewKey:
        """Replace the secret and change these fields, all or nothing; secrets before it are good
        for the grace period, or no longer. Raises NotFound, InvalidRequest, Conflict,
        PermissionDenied."""
        secret = self._secret("new_key", new_key)
        now = self._clock.now()
        valid_until = now
        if grace_period is not None:
            valid_until = self._fields.after("grace_period", grace_period)
        changes = self._fields.checked(sent)
        key = await self._changeable(name, who)
        await self._check_owner(changes, who)
        _check_alive(key, changes, now)
        windows = await self._spendings.opened_by(key, changes)
        replacement = NewSecret(hash_key(secret), key_name(secret), valid_until)
        replaced = await self._records.replace_secret(key.id, replacement, by, changes, windows)
        self._authenticator.forget_all()
        if replaced is None:
            raise NotFound("No such key.")
        return NewKey(secret, replaced)

    async def delete(
        self, names: Sequence[str], aliases: Sequence[str], who: Administrator, by: Author
    ) -> None:
        """All of them, or none. Raises NotFound, PermissionDenied."""
        keys = [await self._changeable(name, who) for name in names]
        for alias in aliases:
            found = await self._records.key_by_alias(alias)
            if found is None:
                raise NotFound(f"There is no key with the alias {alias!r}.")
            keys.append(await self._changeable(found.id, who))
        await self._records.delete_keys([key.id for key in keys], by)
        self._authenticator.forget_all()

    async def _changeable(self, name: str, who: Administrator) -> Key:
        key = await self.get(name)
        who.check_may_change(await self._owner(key.user_id))
        return key

    async def _check_owner(self, changes: Mapping[str, Any], who: Administrator) -> None:
        if changes.get("user_id") is not None:
            who.check_may_change(await self._owner(UserId(changes["user_id"])))

    async def _owner(self, user_id: UserId | None) -> User | None:
        return await self._records.user(user_id) if user_id is not None else None

    def _secret(self, field: str, wanted: str | None) -> str:
        """The secret that is asked for, or a new one. Raises InvalidRequest."""
        if not wanted:
            return generate_key()
        try:
            check_own_key(wanted)
        except ValueError as error:
            raise InvalidRequest(f"{field}: {error}") from error
        if self._authenticator.is_master([wanted]):
            raise InvalidRequest(f"{field}: is the master key; choose another value")
        return wanted


def _check_alive(key: Key, changes: Mapping[str, Any], now: datetime) -> None:
    """Raises InvalidRequest for a key whose new secret would be expired at once."""
    expires = changes.get("expires", key.expires)
    if expires is not None and expires <= now:
        raise InvalidRequest(
            f"duration: the key {key.alias or key.name} expired at {expires:%Y-%m-%dT%H:%M:%SZ}; "
            'send a duration with this request, such as "90d", or null for no expiry'
        )
