"""One immutable record of a request's end, for logs, metrics and traces."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.conversation import AttemptNote, Conversation
from app.domain.identity import RequestId
from app.domain.ledger import Ending, Standing
from app.domain.pricing import Cost
from app.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended. No key is in it: aliases and ids only; and no prompt or answer but in
    `conversation`."""

    request_id: RequestId
    started_at: datetime
    dialect: str
    route: str
    status: int
    ending: Ending | None
    """None when it was refused by the gateway itself."""
    error_code: str | None
    key_id: str | None
    key_alias: str | None
    key_name: str | None
    user_id: str | None
    asked_model: str | None
    """The public name of the model; None where the catalogue does not know what was asked."""
    bedrock_id: str | None
    stream: bool
    usage: Usage
    cost: Decimal
    estimated: bool
    latency_seconds: float
    ttfb_seconds: float | None
    upstream_seconds: float
    """From admission to the end of Bedrock's answer; 0 where Bedrock was not asked."""
    upstream_request_id: str | None
    session_id: str | None
    client: str | None
    agent: str | None
    tags: tuple[str, ...]
    guardrail: bool
    """Whether a guardrail intervened."""
    budgets: tuple[Standing, ...] = ()
    """The budgets that it counts against, as they stand after it."""
    parts: Cost | None = None
    """What the cost is made of."""
    cache_as_input: Decimal = Decimal(0)
    """USD that the tokens of the prompt cache would have cost without one."""
    attempts: tuple[AttemptNote, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of the model: numbers and words of its own, never text."""
    conversation: Conversation | None = field(default=None, repr=False)
    """None unless it was asked for."""
