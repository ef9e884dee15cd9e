"""A request that has been read: all that is needed to admit it and to call Bedrock."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.catalog.loader import Catalog
from app.domain.guardrail import Guardrail
from app.domain.keys import Caller
from app.domain.models import Target
from app.service.attempts import Attempt
from app.service.dialects import Dialect
from app.service.estimates import InputEstimate, compacts
from app.service.outcomes import parameters
from app.service.request import InferenceRequest
from app.translate import shape
from app.wire.anthropic import JsonObject
from app.wire.guardrail import refuse_tagged_fields


@dataclass(slots=True)
class Prepared:
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
        self.asked, self.wanted = {}, {}


def prepare(
    request: InferenceRequest,
    body: bytes,
    caller: Caller,
    dialect: Dialect,
    catalog: Catalog,
    guardrail: Guardrail | None,
) -> Prepared:
    """`guardrail` is for callers who have none of their own. May run in a thread.

    Raises InvalidRequest, naming the field, or UnknownModel."""
    asked = shape.json_object(body)
    target = catalog.resolve(dialect.model(asked))
    wanted = dialect.to_bedrock(asked, request.betas, target.model)
    imposed = caller.guardrail or guardrail
    if imposed is not None:
        refuse_tagged_fields(wanted)
    encoded = shape.encoded(wanted)
    return Prepared(
        caller=caller,
        target=target,
        asked=asked,
        wanted=wanted,
        attempt=Attempt(
            target,
            encoded,
            caller.key.id,
            guardrail=imposed,
            untouchable=dialect.passes_through,
        ),
        stream=dialect.streamed(asked),
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
