"""One inference request, as received and as parsed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from app.catalog.catalog import Catalog
from app.catalog.model import Target
from app.core import json_fields
from app.core.guardrail import Guardrail
from app.core.ids import Credentials, RequestId
from app.core.json_fields import JsonObject
from app.core.tags import body_tags, tags
from app.formats.format import ApiFormat
from app.formats.guardrail import refuse_tagged_fields
from app.identity.policy import Caller
from app.inference.estimates import InputEstimate, compacts
from app.upstream.routing import Attempt


def parameters(body: JsonObject) -> dict[str, Any]:
    """Those of a request's that are numbers, or words of the API's own."""
    found = {name: body[name] for name in PARAMETERS if isinstance(body.get(name), int | float)}
    thinking, output = body.get("thinking"), body.get("output_config")
    if isinstance(thinking, dict):
        found["thinking"] = str(thinking.get("type"))[:20]
        if isinstance(thinking.get("budget_tokens"), int):
            found["thinking_budget_tokens"] = thinking["budget_tokens"]
    if isinstance(output, dict) and isinstance(output.get("effort"), str):
        found["effort"] = output["effort"][:20]
    tools = body.get("tools")
    return found | ({"tools": len(tools)} if isinstance(tools, list) else {})


PARAMETERS: Final = ("max_tokens", "temperature", "top_p", "top_k")

ReadBody = Callable[[], Awaitable[bytes]]
"""Reads the body of a request, once. Raises InvalidRequest, RequestTooLarge."""


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """Everything in it came from outside and is hostile until read."""

    id: RequestId
    route: str
    read: ReadBody
    """The body is not read until the caller is authenticated."""
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


@dataclass(slots=True)
class ParsedRequest:
    """`asked` is the body as the client sent it, `wanted` what Bedrock gets: both are parsed, and
    dropped before the call, which may take minutes."""

    caller: Caller
    target: Target
    asked: JsonObject
    wanted: JsonObject
    attempt: Attempt
    stream: bool
    input: InputEstimate
    max_tokens: int
    thinks: bool
    """Whether Bedrock may bill output that it does not show."""
    parameters: Mapping[str, Any]

    def drop_parsed(self) -> None:
        """Before the call: nobody reads the trees again."""
        self.asked, self.wanted = {}, {}

    def drop_body(self) -> None:
        """Once Bedrock has begun to answer: there is no retry."""
        self.attempt = replace(self.attempt, encoded=b"")


def prepare(
    request: InferenceRequest,
    body: bytes,
    caller: Caller,
    api_format: ApiFormat,
    catalog: Catalog,
    guardrail: Guardrail | None,
) -> ParsedRequest:
    """`guardrail` is for callers who have none of their own. May run in a thread.

    Raises InvalidRequest, naming the field, or UnknownModel."""
    asked = json_fields.json_object(body)
    target = catalog.resolve(api_format.model(asked))
    wanted = api_format.to_bedrock(asked, request.betas, target.model)
    imposed = caller.guardrail or guardrail
    if imposed is not None:
        refuse_tagged_fields(wanted)
    encoded = json_fields.encoded(wanted)
    return ParsedRequest(
        caller=caller,
        target=target,
        asked=asked,
        wanted=wanted,
        attempt=Attempt(
            target,
            encoded,
            caller.key.id,
            guardrail=imposed,
            untouchable=api_format.passes_through,
        ),
        stream=api_format.streamed(asked),
        input=InputEstimate.of(encoded, wanted, target.model),
        max_tokens=wanted["max_tokens"],
        thinks=_thinks(wanted, target) or compacts(wanted),
        parameters=parameters(wanted),
    )


def with_max_tokens(body: JsonObject, max_tokens: int) -> JsonObject:
    """The body with a lower limit, and a thinking budget that leaves half of it to the answer."""
    changed = {**body, "max_tokens": max_tokens}
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and isinstance(thinking.get("budget_tokens"), int):
        budget = min(thinking["budget_tokens"], max_tokens // 2)
        changed["thinking"] = {**thinking, "budget_tokens": budget}
    return changed


def _thinks(body: JsonObject, target: Target) -> bool:
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    return target.model.capabilities.thinking == "always" or kind in ("enabled", "adaptive")
