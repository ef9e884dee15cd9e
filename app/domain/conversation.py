"""What was asked and answered, for the traces of those who want that; nothing else may see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Conversation:
    """The request's body as it came, and the answer as Anthropic's message, if there is one."""

    asked: bytes = field(repr=False)
    answer: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AttemptNote:
    """One call of Bedrock: by which profile, when (seconds after the request came in), for how long
    until it answered or failed, and with which error code."""

    bedrock_id: str
    after_seconds: float
    seconds: float
    error_code: str | None
