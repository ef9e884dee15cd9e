"""Who is calling: from credentials to a key and its user."""

import hmac
import math
from collections import OrderedDict
from collections.abc import Sequence

from app.core.ids import Credentials, KeyHash
from app.core.time import Clock
from app.errors import (
    AuthenticationFailed,
    BlockedKey,
    ExpiredKey,
    GatewayError,
    MissingKey,
    TooManyUnknownKeys,
)
from app.identity.failed_auth import FailedAuthLimiter
from app.identity.key_lookup import BatchedKeyLookup, KeyDirectory
from app.identity.policy import LONGEST_KEY, Caller, hash_key

KEYS_REMEMBERED = 10_000

TRUSTED_SECONDS = 600
"""How long a key is cached while notifications of changes arrive."""


class Authenticator:
    """Finds callers, and remembers them for a short time.

    `forget` invalidates a key. No change goes unseen for longer than `cache_seconds`, even without
    notifications: `heard_all` says until when all were received. Unknown keys are not cached, so a
    new key works at once and strangers cannot fill the memory.
    """

    def __init__(
        self,
        directory: KeyDirectory,
        *,
        master_key: str,
        cache_seconds: float,
        unknown_keys_per_minute: int,
        clock: Clock,
        contact: str | None,
    ) -> None:
        self._directory = directory
        self._unknown = FailedAuthLimiter(unknown_keys_per_minute, clock.monotonic)
        self._turns = BatchedKeyLookup(directory)
        self._master_key = master_key.encode()
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._ask = f" Ask {contact} for a key." if contact else ""
        self._callers: OrderedDict[KeyHash, tuple[float, Caller]] = OrderedDict()
        self._changes = 0
        self._heard_until = -math.inf

    async def caller(self, credentials: Credentials) -> Caller:
        """The caller of the first good key among those sent, preferred one first.

        Raises AuthenticationFailed or one of its kinds; TooManyUnknownKeys; DatabaseUnavailable
        when it cannot look.
        """
        if not credentials.keys:
            raise MissingKey(
                "No API key was sent. Set ANTHROPIC_AUTH_TOKEN (Claude Code) or send "
                f"`Authorization: Bearer <key>`.{self._ask}"
            )
        known: Caller | None = None
        for secret in dict.fromkeys(credentials.keys):
            caller = await self._find(secret, credentials.address)
            if caller is not None and caller.state(self._clock.now()) == "active":
                return caller
            # A key that is ours but no longer good says more than one that is unknown.
            known = caller or known
        raise self._unknown_key(credentials.address) if known is None else self._no_good(known)

    def is_master(self, credentials: Sequence[str]) -> bool:
        """Whether the master key is among the credentials; compared in constant time."""
        matches = [
            hmac.compare_digest(credential.encode(errors="replace"), self._master_key)
            for credential in credentials
        ]
        return any(matches)

    @property
    def remembered(self) -> int:
        """How many keys need not be looked up."""
        return len(self._callers)

    def forget(self, key_hash: KeyHash) -> None:
        self._changes += 1
        self._callers.pop(key_hash, None)

    def heard_all(self, seconds_ago: float) -> None:
        """All changes until `seconds_ago` were received."""
        self._heard_until = self._clock.monotonic() - seconds_ago

    def forget_all(self) -> None:
        self._changes += 1
        self._callers.clear()

    async def _find(self, secret: str, address: str) -> Caller | None:
        if len(secret) > LONGEST_KEY or not secret.isascii():
            return None
        key_hash = hash_key(secret)
        if remembered := self._callers.get(key_hash):
            found_at, caller = remembered
            if self._is_good(found_at):
                return caller
            del self._callers[key_hash]
        # The master key is no key of the public port, even if an import has stored its hash.
        if self.is_master([secret]):
            return None
        changes, asked_at = self._changes, self._clock.monotonic()
        if self._unknown.exhausted(address):
            found = await self._turns.find(key_hash)
        else:
            found = (await self._directory.find([key_hash])).get(key_hash)
        # What was read before a change was heard of may be the state before it.
        if found is not None and changes == self._changes:
            self._callers[key_hash] = (asked_at, found)
            if len(self._callers) > KEYS_REMEMBERED:
                self._callers.popitem(last=False)
        return found

    def _is_good(self, found_at: float) -> bool:
        now = self._clock.monotonic()
        known_at = max(found_at, self._heard_until)
        return now < known_at + self._cache_seconds and now < found_at + TRUSTED_SECONDS

    def _no_good(self, caller: Caller) -> GatewayError:
        named = f"API key {caller.key.name}"
        match caller.state(self._clock.now()):
            case "expired":
                return ExpiredKey(f"The {named} has expired.{self._ask}")
            case "user_blocked":
                return BlockedKey(f"The user of the {named} is blocked.{self._ask}")
            case _:
                return BlockedKey(f"The {named} is blocked.{self._ask}")

    def _unknown_key(self, address: str) -> GatewayError:
        exhausted = self._unknown.exhausted(address)
        self._unknown.note(address)
        if not exhausted:
            return AuthenticationFailed(f"Invalid API key.{self._ask}")
        return TooManyUnknownKeys(
            "Invalid API key, like many others from this address lately. Check the key that is "
            f"set.{self._ask}",
            {"retry-after": str(self._unknown.wait_seconds)},
        )
