"""How fast a key, a user or a model may be used: requests and tokens a minute, requests at once.

Rates are token buckets that hold a minute's worth: a quiet minute may be caught up with in one
burst, then requests pass at the even rate. A request larger than the whole bucket is let in when
the bucket is full, and those after it wait the longer.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests per minute, tokens per minute, requests in flight; None means no limit."""

    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None


NO_LIMITS = Limits()


class LimitScope(StrEnum):
    """Whose limit it is. The order is the one that rows are locked in."""

    KEY_MODEL = "key_model"
    KEY = "key"
    USER_MODEL = "user_model"
    USER = "user"
    MODEL = "model"


class LimitKind(StrEnum):
    """What there is too much of."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    PARALLEL = "parallel"


@dataclass(frozen=True, slots=True)
class LimitedBy:
    """Limits that a request counts against; `id` names the key, the user or the model."""

    scope: LimitScope
    id: str
    limits: Limits
