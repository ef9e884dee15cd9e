"""Who is calling: from credentials to a key and its user."""

import hmac
from collections import OrderedDict
from collections.abc import Sequence

from app.domain.identity import KeyHash
from app.domain.keys import Caller, hash_key
from app.errors import AuthenticationFailed, BlockedKey, ExpiredKey, GatewayError, MissingKey
from app.ports import KeyDirectory
from app.service.clock import Clock

KEYS_REMEMBERED = 10_000
LONGEST_KEY = 512


class Authenticator:
    """Finds callers, and remembers them for a short time.

    Changes are told by `forget`; the time to live is the net below it. Unknown keys are not
    remembered, so a new key works at once and strangers cannot fill the memory.
    """

    def __init__(
        self,
        directory: KeyDirectory,
        *,
        master_key: str,
        cache_seconds: float,
        clock: Clock,
        contact: str | None,
    ) -> None:
        self._directory = directory
        self._master_key = master_key.encode()
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._ask = f" Ask {contact} for a key." if contact else ""
        self._callers: OrderedDict[KeyHash, tuple[float, Caller]] = OrderedDict()
        self._changes = 0

    async def caller(self, credentials: Sequence[str]) -> Caller:
        """The caller of the first good key among those sent, preferred one first.

        Raises AuthenticationFailed or one of its kinds; DatabaseUnavailable when it cannot look.
        """
        if not credentials:
            raise MissingKey(
                "No API key was sent. Set ANTHROPIC_AUTH_TOKEN (Claude Code) or send "
                f"`Authorization: Bearer <key>`.{self._ask}"
            )
        refusal: GatewayError | None = None
        for credential in dict.fromkeys(credentials):
            caller = await self._find(credential)
            problem = self._problem(caller)
            if caller is not None and problem is None:
                return caller
            # A key that is ours but no longer good says more than one that is unknown.
            if refusal is None or caller is not None:
                refusal = problem
        raise refusal or AuthenticationFailed("Invalid API key.")

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

    def forget_all(self) -> None:
        self._changes += 1
        self._callers.clear()

    async def _find(self, credential: str) -> Caller | None:
        if len(credential) > LONGEST_KEY or not credential.isascii():
            return None
        key_hash = hash_key(credential)
        if remembered := self._callers.get(key_hash):
            expires, caller = remembered
            if self._clock.monotonic() < expires:
                return caller
            del self._callers[key_hash]
        changes = self._changes
        found = await self._directory.find(key_hash)
        # What was read before a change was heard of may be the state before it.
        if found is not None and changes == self._changes:
            self._callers[key_hash] = (self._clock.monotonic() + self._cache_seconds, found)
            if len(self._callers) > KEYS_REMEMBERED:
                self._callers.popitem(last=False)
        return found

    def _problem(self, caller: Caller | None) -> GatewayError | None:
        if caller is None:
            return AuthenticationFailed(f"Invalid API key.{self._ask}")
        match caller.state(self._clock.now()):
            case "active":
                return None
            case "blocked":
                return BlockedKey(f"The API key {caller.key.name} is blocked.{self._ask}")
            case "user_blocked":
                return BlockedKey(
                    f"The user of the API key {caller.key.name} is blocked.{self._ask}"
                )
            case "expired":
                return ExpiredKey(f"The API key {caller.key.name} has expired.{self._ask}")
