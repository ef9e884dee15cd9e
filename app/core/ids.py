"""The names that things go by, each a type of its own."""

from dataclasses import dataclass, field
from typing import NewType

MASTER = "master key"


@dataclass(frozen=True, slots=True)
class Author:
    """Who a change is entered under in the audit log, and the request that it came with."""

    name: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys that somebody sent, preferred one first, and the address that they came from."""

    keys: tuple[str, ...] = field(repr=False)
    address: str


KeyHash = NewType("KeyHash", str)
"""SHA-256 of an API key, 64 hex digits: all that is kept of it."""

KeyId = NewType("KeyId", str)
"""Identifies a key in the ledger: the hash of its first secret. Rotation does not change it."""

UserId = NewType("UserId", str)

RequestId = NewType("RequestId", str)

InstanceId = NewType("InstanceId", str)
"""One running gateway process."""
