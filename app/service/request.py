"""One inference request as the front door hands it in."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.identity import RequestId


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """Everything in it came from outside and is hostile until read."""

    id: RequestId
    route: str
    body: bytes
    credentials: tuple[str, ...]
    """Preferred one first."""
    betas: tuple[str, ...]
    session_id: str | None
    client: str | None
    received_at: datetime
    received_monotonic: float
    agent: str | None = None
    tags: tuple[str, ...] = ()
