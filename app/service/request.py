"""One inference request as the front door hands it in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.identity import RequestId
from app.domain.keys import Credentials
from app.domain.tags import body_tags, tags
from app.wire.anthropic import JsonObject

ReadBody = Callable[[], Awaitable[bytes]]
"""Reads the body of a request, once. Raises InvalidRequest, RequestTooLarge."""


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """Everything in it came from outside and is hostile until read."""

    id: RequestId
    route: str
    read: ReadBody
    """Nobody's body is read before it is known who sends it."""
    body_bytes: int
    """As declared, or the most that is taken."""
    credentials: Credentials
    betas: tuple[str, ...]
    session_id: str | None
    client: str | None
    received_at: datetime
    received_monotonic: float
    agent: str | None = None
    tags: tuple[str, ...] = ()

    def tagged(self, asked: JsonObject) -> "InferenceRequest":
        """With the tags that the body names, after those of the headers."""
        more = body_tags(asked)
        return replace(self, tags=tags((*self.tags, *more))) if more else self
