"""Reservations, settlements, and the record of a finished request."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, Protocol

from app.core.budgets import LIFETIME_START, LimitedBy, LimitKind, Window
from app.core.ids import InstanceId, KeyId, RequestId, UserId
from app.core.pricing import Cost
from app.core.usage import NO_USAGE, Usage


@dataclass(frozen=True, slots=True)
class Settled:
    """A committed settlement, and whether it is durable: until that is known, a crash of the
    database may lose it, and it must be possible to settle again."""

    spent: Sequence[Decimal]
    """USD in each of its accounts since."""
    lasts: asyncio.Future[bool]
    """Shared by all that were settled at about the same time."""


@dataclass(frozen=True, slots=True)
class CapturedContent:
    """The request's body as it came, and the answer as Anthropic's message, if there is one."""

    asked: bytes = field(repr=False)
    answer: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamAttempt:
    """One call of Bedrock: by which profile, when (seconds after the request came in), for how long
    until it answered or failed, and with which error code."""

    bedrock_id: str
    after_seconds: float
    seconds: float
    error_code: str | None


THRESHOLDS = (Decimal("0.95"), Decimal("0.75"))
"""Shares of a budget at which a warning is due."""


class Scope(StrEnum):
    """Whose budget it is. The order is the one that rows are locked in."""

    KEY_MODEL = "key_model"
    KEY = "key"
    USER_MODEL = "user_model"
    USER = "user"
    GLOBAL_MODEL = "global_model"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class BudgetCounter:
    """One counter of spend: of a key, a user or everybody, or of one model for them, in one window.

    Spend above `soft` USD is warned about; reservations above `cap` are rejected.
    """

    scope: Scope
    id: str
    window: Window
    cap: Decimal | None
    soft: Decimal | None = None

    @property
    def lifetime(self) -> bool:
        return self.window.start == LIFETIME_START

    @property
    def watched(self) -> bool:
        """Whether it matters to anybody how much is spent in it."""
        return self.cap is not None or self.soft is not None


def by_model(model: str, id_: str) -> str:
    """The id of an account or a limit that is for one model alone."""
    return f"{model}/{id_}"


@dataclass(frozen=True, slots=True)
class ReserveRequest:
    """Money and speed set aside for a request in flight: `amount` USD in every capped account, and
    `tokens` in every limit."""

    request_id: RequestId
    owner: InstanceId
    started_at: datetime
    key_id: KeyId
    user_id: UserId | None
    model: str
    bedrock_id: str
    accounts: tuple[BudgetCounter, ...]
    amount: Decimal
    grows: bool
    """Whether the request holds something already, and this is the new total."""
    limits: tuple[LimitedBy, ...] = ()
    tokens: int = 0
    spare: Decimal = Decimal(0)
    """USD that must be left free in every capped account, in addition to the amount."""


@dataclass(frozen=True, slots=True)
class BudgetState:
    """An account with a cap or a soft limit, as a hold found it: USD spent, and USD held, this hold
    among it."""

    account: BudgetCounter
    spent: Decimal
    held: Decimal

    @property
    def share(self) -> Decimal:
        """How much of the cap is spent, 1 being all of it; 0 without a cap."""
        return self.spent / self.account.cap if self.account.cap else Decimal(0)

    @property
    def threshold(self) -> Decimal | None:
        """The highest share at which a warning is due, and that is reached."""
        return next((t for t in THRESHOLDS if self.share >= t), None)

    @property
    def warning(self) -> str | None:
        """How far the budget is used: `0.95` or `0.75`, or `soft` past a soft limit below these."""
        if self.threshold is not None:
            return str(self.threshold)
        soft = self.account.soft
        return "soft" if soft is not None and self.spent > soft else None


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """A limit as a hold found it: requests and tokens of late, itself not among them."""

    limited_by: LimitedBy
    requests: float
    tokens: float


@dataclass(frozen=True, slots=True)
class Grant:
    """The hold stands."""

    standings: tuple[BudgetState, ...] = ()
    readings: tuple[RateLimitState, ...] = ()

    @property
    def left(self) -> Decimal | None:
        """USD neither spent nor held in the account that has least; None where none has a cap."""
        left = (
            s.account.cap - s.spent - s.held for s in self.standings if s.account.cap is not None
        )
        return min(left, default=None)

    @property
    def fullest(self) -> BudgetState | None:
        """The account with the largest share of its cap spent; None where none has a cap."""
        capped = [s for s in self.standings if s.account.cap]
        return max(capped, key=lambda s: s.share, default=None)


@dataclass(frozen=True, slots=True)
class BudgetRejection:
    """The first account that a hold did not fit into, as it stood then (USD)."""

    account: BudgetCounter
    spent: Decimal
    held: Decimal


@dataclass(frozen=True, slots=True)
class RateLimitRejection:
    """The first limit that a hold came too soon for, or was one too many for.

    After `wait_seconds` it would have passed; None where that depends on others, or never comes.
    """

    limited_by: LimitedBy
    kind: LimitKind
    wait_seconds: float | None


Ending = Literal[
    "completed",  # the answer was whole
    "upstream_rejected",  # the upstream answered with an error before anything was billed
    "budget_exhausted",  # the budget ended the answer
    "client_disconnected",  # the client hung up; upstream was read on for the bill
    "upstream_failed",  # upstream ended or failed in the middle
    "gateway_lost",  # the gateway process died; the janitor settled
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A finished request. Everything that is kept or reported of it is made from this: the
    settlement and row of the spend log, the line of the log, metrics, the trace.

    It holds no key, and no text of the conversation but in `content`. Settling it twice is the same
    as settling it once: `request_id` decides.
    """

    request_id: RequestId
    started_at: datetime
    finished_at: datetime
    api_format: str
    route: str = ""
    """The path's pattern; empty for a request whose gateway died."""
    status: int
    ending: Ending | None
    """None when the gateway itself rejected the request: there is nothing to settle."""
    error_code: str | None = None
    key_id: KeyId | None = None
    key_alias: str | None = None
    key_name: str | None = None
    user_id: UserId | None = None
    model: str | None = None
    """The public name; None where the catalogue does not know the model of the request."""
    upstream_model: str | None = None
    """Bedrock's id of the inference profile that answered."""
    upstream_request_id: str | None = None
    attempts: tuple[UpstreamAttempt, ...] = ()
    stream: bool = False
    usage: Usage = NO_USAGE
    cost: Decimal = Decimal(0)
    """USD."""
    cost_parts: Cost | None = None
    """None where `cost` was estimated without token counts."""
    estimated: bool = False
    uncached_cost: Decimal = Decimal(0)
    """USD that the tokens of the prompt cache would have cost as plain input."""
    guardrail: bool = False
    """Whether a guardrail intervened."""
    latency_seconds: float = 0
    """From the request to now; 0 where nobody measured it."""
    ttfb_seconds: float | None = None
    upstream_seconds: float = 0
    """From admission to the end of Bedrock's answer; 0 where Bedrock was not called."""
    session_id: str | None = None
    agent: str | None = None
    user_agent: str | None = None
    tags: tuple[str, ...] = ()
    counters: tuple[BudgetCounter, ...] = ()
    """The budgets that the cost counts against."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of the model: numbers and words of its own, never text."""
    content: CapturedContent | None = field(default=None, repr=False)
    """None unless capture is on; neither in the spend log nor in the spool."""

    def budgets(self, spent: Sequence[Decimal]) -> tuple[BudgetState, ...]:
        """The budgets it counts against, given what is spent in each of `counters`."""
        return tuple(
            BudgetState(account, usd, Decimal(0))
            for account, usd in zip(self.counters, spent, strict=False)
            if account.watched
        )

    def to_row(self) -> dict[str, Any]:
        """A row of spend_log."""
        usage, parts = self.usage, self.cost_parts
        row = {
            "request_id": self.request_id,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "key_id": self.key_id,
            "user_id": self.user_id,
            "api_format": self.api_format,
            "model": self.model,
            "upstream_model": self.upstream_model,
            "upstream_request_id": self.upstream_request_id,
            "stream": self.stream,
            "status": self.status,
            "ending": self.ending,
            "error_code": self.error_code,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_tokens": usage.cache_read_tokens,
            "cache_write_5m_tokens": usage.cache_write_5m_tokens,
            "cache_write_1h_tokens": usage.cache_write_1h_tokens,
            "cost": self.cost,
            "estimated": self.estimated,
            "ttfb_ms": _milliseconds(self.ttfb_seconds),
            "latency_ms": _milliseconds(self.latency_seconds or None),
            "session_id": self.session_id,
            "agent": self.agent,
            "user_agent": self.user_agent,
            "tags": self.tags,
        }
        if parts is not None:
            row |= {
                "input_cost": parts.input,
                "output_cost": parts.output,
                "cache_read_cost": parts.cache_read,
                "cache_write_5m_cost": parts.cache_write_5m,
                "cache_write_1h_cost": parts.cache_write_1h,
                "guardrail_cost": parts.guardrail,
            }
        return row


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


class Ledger(Protocol):
    """The one authority over budgets. Every call is one statement, and atomic."""

    async def hold(self, hold: ReserveRequest) -> Grant | BudgetRejection | RateLimitRejection:
        """Count the request in all of its limits and set its hold to `hold.amount` in all of its
        capped accounts, or change nothing. A hold that grows is not limited again."""

    async def book(self, record: RequestRecord) -> Settled:
        """Replace the hold by what was really spent; idempotent by request id."""

    async def settle(self, record: RequestRecord) -> None:
        """The same, and it lasts once this returns; slower."""

    async def heartbeat(self, owner: InstanceId) -> None:
        """Say that this process is alive, and so its holds are."""

    async def orphans(self, silent_seconds: float) -> Sequence[ReserveRequest]:
        """Reservations of gateways without a heartbeat for `silent_seconds`."""

    async def strays(
        self, owner: InstanceId, known: Collection[RequestId], seconds: float
    ) -> Sequence[ReserveRequest]:
        """Reservations of this gateway, older than `seconds`, for requests not in `known`."""

    async def prepare(self, now: datetime) -> None:
        """Make room in the spend log for the days to come."""

    async def forget(self, owner: InstanceId) -> None:
        """Take this process off the list of those alive."""


Tidied = Literal["spooled", "orphan", "stray"]
"""A settlement that was kept, one of a gateway that died, a hold that nobody knows of."""


class Sink(Protocol):
    """Takes note of a finished request. It may drop, but never raises and never waits."""

    def record(self, record: RequestRecord, spent: Sequence[Decimal] = ()) -> None:
        """`spent`: USD in each of its counters since, where that is known."""


class SpendWatcher(Protocol):
    """Records what background work did with the ledger."""

    def spend_checked(self, differences: int) -> None: ...

    def tidied(self, what: Tidied, count: int) -> None:
        """So many settlements were made for requests that nobody else would settle."""
