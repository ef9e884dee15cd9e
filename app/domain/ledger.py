"""What the ledger is asked and what it answers: holds, refusals, settlements."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from app.domain.budgets import LIFETIME_START, Window
from app.domain.identity import InstanceId, KeyHash, RequestId, UserId
from app.domain.usage import Usage


class Scope(StrEnum):
    """Whose budget it is. The order is the one that rows are locked in."""

    KEY = "key"
    USER = "user"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Account:
    """One counter of spend: of a key, a user or everybody, in one window."""

    scope: Scope
    id: str
    window: Window
    cap: Decimal | None

    @property
    def lifetime(self) -> bool:
        return self.window.start == LIFETIME_START


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside for a request in flight: `amount` USD in every capped account."""

    request_id: RequestId
    owner: InstanceId
    started_at: datetime
    key_hash: KeyHash
    user_id: UserId | None
    model: str
    bedrock_id: str
    accounts: tuple[Account, ...]
    amount: Decimal
    grows: bool
    """Whether the request holds something already, and this is the new total."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The hold stands. `left` USD are neither spent nor held in the account that has least;
    `fullest` is the one with the largest share of its cap spent. None where none has a cap."""

    left: Decimal | None
    fullest: Account | None = None
    spent: Decimal = Decimal(0)
    """USD spent in the fullest account."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first account that a hold did not fit into, as it stood then (USD)."""

    account: Account
    spent: Decimal
    held: Decimal


Ending = Literal[
    "completed",  # the answer was whole
    "refused",  # the upstream answered with an error before anything was billed
    "budget_cut",  # the budget ended the answer
    "client_gone",  # the client hung up; upstream was read on for the bill
    "upstream_broke",  # upstream ended or failed in the middle
    "owner_lost",  # the gateway process died; the janitor settled
]


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of a request, for the account of spend. It holds no text of the conversation.

    Settling twice is the same as settling once: `request_id` decides.
    """

    request_id: RequestId
    started_at: datetime
    finished_at: datetime
    key_hash: KeyHash
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
