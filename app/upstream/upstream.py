"""What runs behind a call of a model: protocols, and what passes through them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.core.guardrail import Guardrail
from app.errors import UpstreamBroke


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model. `body` is what Bedrock gets, byte for byte."""

    bedrock_id: str
    body: bytes
    guardrail: Guardrail | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A non-streaming answer: Anthropic's message as JSON."""

    body: bytes
    upstream_request_id: str | None
    headers: Mapping[str, str] = field(default_factory=dict)


class UpstreamStream(Protocol):
    """A streamed answer."""

    @property
    def upstream_request_id(self) -> str | None: ...

    async def read(self) -> list[bytes]:
        """The next events, each Anthropic's JSON; an empty list at the end.

        May be cancelled and called again without losing anything. Raises GatewayError.
        """

    async def close(self) -> None:
        """Stop; what was not read is not generated."""


class Upstream(Protocol):
    """Bedrock. Both calls raise the errors of `app.errors`, by Bedrock's own words."""

    async def invoke(self, call: Call) -> Completion: ...

    async def stream(self, call: Call) -> UpstreamStream: ...


class UpstreamCounter(Protocol):
    """Bedrock's CountTokens."""

    async def count(self, call: Call) -> int:
        """Input tokens of the body that the call holds; `bedrock_id` has no profile's prefix.

        Raises NotSupported where Bedrock does not count for the model, and other GatewayErrors.
        """


class AttemptWatcher(Protocol):
    """Records retries; like a sink, it never raises and never waits."""

    def tried_again(self, error_code: str) -> None: ...

    def left_out(self, model: str) -> None:
        """Something that the model refused is left out of later requests."""


async def open_stream(upstream: Upstream, call: Call) -> tuple[UpstreamStream, list[bytes]]:
    """A stream and its first events. Raises GatewayError, also if there are none."""
    stream = await upstream.stream(call)
    events: list[bytes] = []
    try:
        events = await stream.read()
    finally:
        if not events:
            await stream.close()
    if not events:
        raise UpstreamBroke("Bedrock ended the answer before it began.")
    return stream, events
