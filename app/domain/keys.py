"""API keys and whose they are."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.domain.budgets import Budget
from app.domain.guardrail import Guardrail
from app.domain.identity import KeyHash, UserId

PREFIX = "sk-"
MIN_LENGTH = 16

KeyState = Literal["active", "expired", "blocked", "user_blocked"]


def generate_key() -> str:
    """A new key: `sk-` and 22 URL-safe characters (128 random bits)."""
    return PREFIX + secrets.token_urlsafe(16)


def hash_key(key: str) -> KeyHash:
    """How a key is stored and looked up; keys are random, so a plain digest cannot be reversed."""
    return KeyHash(hashlib.sha256(key.encode()).hexdigest())


def key_name(key: str) -> str:
    """How a key is shown: `sk-...` and its last four characters."""
    return f"{PREFIX}...{key[-4:]}"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose keys share a budget and a model list."""

    id: UserId
    email: str | None
    alias: str | None
    models: tuple[str, ...]
    blocked: bool
    budget: Budget
    guardrail: Guardrail | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of an API key; an empty model list means every model."""

    hash: KeyHash
    name: str
    alias: str | None
    user_id: UserId | None
    models: tuple[str, ...]
    expires: datetime | None
    blocked: bool
    budget: Budget
    guardrail: Guardrail | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated key with its user, where it has one."""

    key: Key
    user: User | None

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
        lists = (self.key.models, self.user.models if self.user else ())
        return all(not allowed or not set(names).isdisjoint(allowed) for allowed in lists)
