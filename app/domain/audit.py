"""Who changed what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MASTER = "master key"


@dataclass(frozen=True, slots=True)
class Author:
    """Who a change is entered under in the audit log, and the request that it came with."""

    name: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A row of users, keys, budgets, models or beta rules before a change and after it."""

    id: int
    at: datetime
    actor: str
    request_id: str | None
    action: str
    object_type: str
    object_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def changed(self) -> list[str]:
        """The columns that the change was about."""
        before, after = self.before or {}, self.after or {}
        names = {name for name in {**before, **after} if before.get(name) != after.get(name)}
        return sorted(names - {"updated_at"})


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; None is any. `before` is an entry's id: those older than it."""

    actor: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
