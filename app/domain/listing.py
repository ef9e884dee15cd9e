"""Lists of users and keys: which, in what order, and how many of them at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from app.domain.keys import User

Record = TypeVar("Record")

Order = Literal["asc", "desc"]

UserOrder = Literal[
    "user_id", "user_email", "user_alias", "user_role", "max_budget", "spend", "created_at",
    "updated_at",
]  # fmt: skip
KeyOrder = Literal[
    "key_alias", "key_name", "user_id", "max_budget", "spend", "expires", "created_at",
    "updated_at",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Some of `total` records."""

    records: Sequence[Record]
    total: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of a list; `spend` as an order is that of all time."""

    order_by: str
    order: Order = "asc"
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True)
class UserSummary:
    user: User
    key_count: int


@dataclass(frozen=True, slots=True)
class UserFilter:
    """None is any; `email` and `alias` may be a part of it, in any case."""

    ids: tuple[str, ...] | None = None
    email: str | None = None
    alias: str | None = None
    role: str | None = None
    blocked: bool | None = None
    budget_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """None is any; `alias` may be a part of it, in any case."""

    user_id: str | None = None
    key_id: str | None = None
    alias: str | None = None
    blocked: bool | None = None
    budget_id: str | None = None
    tag: str | None = None
