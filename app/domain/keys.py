"""API keys and whose they are."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from app.domain.allowance import EVERYTHING, Allowance
from app.domain.guardrail import Guardrail
from app.domain.identity import KeyHash, KeyId, UserId

PREFIX = "sk-"
LONGEST_KEY = 512
SHORTEST_OWN = 20
FEWEST_DIFFERENT = 10
"""Characters after the prefix of a key that is not made here, and how many of them differ."""

KeyState = Literal["active", "expired", "blocked", "user_blocked"]


def generate_key() -> str:
    """A new key: `sk-` and 22 URL-safe characters (128 random bits)."""
    return PREFIX + secrets.token_urlsafe(16)


def check_own_key(key: str) -> None:
    """Whether a key that is not made here is one that nobody guesses.

    Raises:
        ValueError: It is too short, too long, too uniform, or not of visible ASCII characters.
    """
    if not key.startswith(PREFIX) or len(key) > LONGEST_KEY:
        raise ValueError(f"must begin with {PREFIX} and have at most {LONGEST_KEY} characters")
    if not all("!" <= character <= "~" for character in key):
        raise ValueError("must have visible ASCII characters only, without blanks")
    rest = key.removeprefix(PREFIX)
    repeats = rest in (rest + rest)[1:-1]
    if len(rest) < SHORTEST_OWN or len(set(rest)) < FEWEST_DIFFERENT or repeats:
        raise ValueError(
            f"is too easy to guess: {SHORTEST_OWN} random characters or more must follow {PREFIX}, "
            f"{FEWEST_DIFFERENT} of them different; leave it out to get a random key"
        )


def hash_key(key: str) -> KeyHash:
    """How a key is stored and looked up; keys are random, so a plain digest cannot be reversed."""
    return KeyHash(hashlib.sha256(key.encode()).hexdigest())


def key_name(key: str) -> str:
    """How a key is shown: `sk-...` and its last four characters."""
    return f"{PREFIX}...{key[-4:]}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys that somebody sent, preferred one first, and the address that they came from."""

    keys: tuple[str, ...] = field(repr=False)
    address: str


class Role(StrEnum):
    """What a user's keys may administer, by LiteLLM's names."""

    ADMIN = "proxy_admin"
    VIEWER = "proxy_admin_viewer"
    INTERNAL = "internal_user"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose keys share a budget, limits and a model list."""

    id: UserId
    email: str | None
    alias: str | None
    blocked: bool
    own: Allowance
    role: Role = Role.INTERNAL
    budget_id: str | None = None
    template: Allowance = EVERYTHING
    """What the budget of that id says."""
    guardrail: Guardrail | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def allowance(self) -> Allowance:
        return self.own if self.budget_id is None else self.own.over(self.template)


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of an API key."""

    id: KeyId
    hash: KeyHash
    name: str
    alias: str | None
    user_id: UserId | None
    expires: datetime | None
    blocked: bool
    own: Allowance
    budget_id: str | None = None
    template: Allowance = EVERYTHING
    guardrail: Guardrail | None = None
    tags: tuple[str, ...] = ()
    """Its requests are booked under these, beside those that the request names."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    created_by: str | None = None
    updated_at: datetime | None = None

    @property
    def allowance(self) -> Allowance:
        return self.own if self.budget_id is None else self.own.over(self.template)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated key with its user, where it has one."""

    key: Key
    user: User | None

    @property
    def owner(self) -> str:
        """Who takes a share of what all callers share: the user, or a key without one."""
        return f"user {self.user.id}" if self.user else f"key {self.key.id}"

    @property
    def guardrail(self) -> Guardrail | None:
        """The key's own, or else its user's."""
        return self.key.guardrail or (self.user.guardrail if self.user else None)

    def state(self, now: datetime) -> KeyState:
        if self.key.blocked:
            return "blocked"
        if self.user is not None and self.user.blocked:
            return "user_blocked"
        if self.key.expires is not None and self.key.expires <= now:
            return "expired"
        return "active"

    def may_use(self, *names: str) -> bool:
        """Whether a model is allowed that goes by any of these names."""
        lists = (self.key.allowance.models, self.user.allowance.models if self.user else ())
        return all(not allowed or not set(names).isdisjoint(allowed) for allowed in lists)
