"""What the ledger is asked and what it answers: holds, refusals, settlements."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from app.domain.budgets import LIFETIME_START, Window
from app.domain.identity import InstanceId, KeyId, RequestId, UserId
from app.domain.limits import LimitedBy, LimitKind
from app.domain.pricing import Cost
from app.domain.usage import Usage

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
class Account:
    """One counter of spend: of a key, a user or everybody, or of one model for them, in one window.

    Past `soft` USD there is a warning, past `cap` a refusal.
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
class Hold:
    """Money and speed set aside for a request in flight: `amount` USD in every capped account, and
    `tokens` in every limit."""

    request_id: RequestId
    owner: InstanceId
    started_at: datetime
    key_id: KeyId
    user_id: UserId | None
    model: str
    bedrock_id: str
    accounts: tuple[Account, ...]
    amount: Decimal
    grows: bool
    """Whether the request holds something already, and this is the new total."""
    limits: tuple[LimitedBy, ...] = ()
    tokens: int = 0
    spare: Decimal = Decimal(0)
    """USD that must be left free in every capped account, in addition to the amount."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An account with a cap or a soft limit, as a hold found it: USD spent, and USD held, this hold
    among it."""

    account: Account
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
class Reading:
    """A limit as a hold found it: requests and tokens of late, itself not among them."""

    limited_by: LimitedBy
    requests: float
    tokens: float


@dataclass(frozen=True, slots=True)
class Grant:
    """The hold stands."""

    standings: tuple[Standing, ...] = ()
    readings: tuple[Reading, ...] = ()

    @property
    def left(self) -> Decimal | None:
        """USD neither spent nor held in the account that has least; None where none has a cap."""
        left = (
            s.account.cap - s.spent - s.held for s in self.standings if s.account.cap is not None
        )
        return min(left, default=None)

    @property
    def fullest(self) -> Standing | None:
        """The account with the largest share of its cap spent; None where none has a cap."""
        capped = [s for s in self.standings if s.account.cap]
        return max(capped, key=lambda s: s.share, default=None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first account that a hold did not fit into, as it stood then (USD)."""

    account: Account
    spent: Decimal
    held: Decimal


@dataclass(frozen=True, slots=True)
class LimitRefusal:
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


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of a request, for the account of spend. It holds no text of the conversation.

    Settling twice is the same as settling once: `request_id` decides.
    """

    request_id: RequestId
    started_at: datetime
    finished_at: datetime
    key_id: KeyId
    user_id: UserId | None
    dialect: str
    model: str
    bedrock_id: str
    accounts: tuple[Account, ...]
    usage: Usage
    cost: Decimal
    estimated: bool
    ending: Ending
    status: int
    stream: bool
    ttfb_ms: int | None
    upstream_request_id: str | None
    session_id: str | None
    client: str | None
    parts: Cost | None = None
    """What `cost` is made of; None where it is a guess made without counts."""
    latency_ms: int | None = None
    error_code: str | None = None
    agent: str | None = None
    tags: tuple[str, ...] = ()
