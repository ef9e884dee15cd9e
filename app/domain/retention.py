"""What is forgotten when it is old."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.ledger import Account


class Old(StrEnum):
    """Rows that are deleted after a time, by their table."""

    AUDIT_LOG = "audit_log"
    WINDOWS = "budget_counter"
    METERS = "rate_limit_bucket"
    SECRETS = "previous_key_secret"
    DELETED_KEYS = "deleted_key"
    SESSIONS = "spend_session_daily"
    TAGS = "spend_tag_daily"


@dataclass(frozen=True, slots=True)
class Present:
    """The windows that budgets have now, which stay however old they are."""

    windows: Sequence[Account]
    listed_at: datetime
    """Whoever was changed after that keeps all windows."""
