"""What was spent, as reports tell it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from app.core.ids import KeyId, UserId
from app.core.usage import Usage


class Dimension(StrEnum):
    """What spend is grouped by."""

    DAY = "day"
    KEY = "key"
    USER = "user"
    MODEL = "model"
    SESSION = "session"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Period:
    """Days (UTC), both of them included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Spender:
    """Whose spend it is; without either, everybody's."""

    key_id: KeyId | None = None
    user_id: UserId | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Which rows of a report: at most `limit`, after the first `offset`."""

    limit: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SpendGroup:
    """All of one day, key, user, model, session or tag. `label` is a key's alias or name, a user's
    email. Sessions and tags have no counts by kind of token."""

    name: str
    label: str | None
    requests: int
    failed_requests: int
    tokens: int
    usage: Usage | None
    cost: Decimal
    estimated_cost: Decimal


@dataclass(frozen=True, slots=True)
class Total:
    """Lifetime spend of a key or a user, deleted ones included."""

    id: str
    label: str | None
    user_id: str | None
    cost: Decimal
    deleted: bool


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which requests of the spend log, the newest first; times in UTC, `until` not included."""

    since: datetime | None = None
    until: datetime | None = None
    spender: Spender = Spender()
    model: str | None = None
    session_id: str | None = None
    tag: str | None = None
    request_id: str | None = None
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request of the spend log. USD; the parts are None for a guess made without counts."""

    request_id: str
    started_at: datetime
    finished_at: datetime
    key_id: str
    key_name: str | None
    key_alias: str | None
    user_id: str | None
    api_format: str
    model: str
    upstream_model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    cost: Decimal
    input_cost: Decimal | None
    output_cost: Decimal | None
    cache_read_cost: Decimal | None
    cache_write_5m_cost: Decimal | None
    cache_write_1h_cost: Decimal | None
    guardrail_cost: Decimal | None
    estimated: bool
    ending: str
    status: int
    error_code: str | None
    stream: bool
    ttfb_ms: int | None
    latency_ms: int | None
    upstream_request_id: str | None
    session_id: str | None
    agent: str | None
    user_agent: str | None
    tags: list[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """Where two accounts of the same spend differ (USD): the log, and what was counted from it.

    `what` is `summary`, `lifetime` or `window`.
    """

    what: str
    scope: str
    id: str
    logged: Decimal
    counted: Decimal

    @property
    def short(self) -> bool:
        """Whether less was counted than is in the log."""
        return self.counted < self.logged


@dataclass(frozen=True, slots=True)
class DayCheck:
    """What the check of a day found; `findings` is None until it has run."""

    day: date
    checked_at: datetime | None
    findings: tuple[Finding, ...] | None
