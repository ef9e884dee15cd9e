"""Budgets by name: keys and users refer to them, and a change is a change for all of them."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.allowance import Allowance


@dataclass(frozen=True, slots=True)
class Template:
    """A budget that may be shared. Each key and user spends it for itself."""

    id: str
    allowance: Allowance
    created_at: datetime | None = None
    updated_at: datetime | None = None
