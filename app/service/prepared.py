"""A request that has been read: all that is needed to admit it and to call Bedrock."""

from dataclasses import dataclass

from app.catalog.loader import Catalog
from app.domain.guardrail import Guardrail
from app.domain.keys import Caller
from app.domain.models import Target
from app.service import estimates
from app.service.attempts import Attempt
from app.service.dialects import Dialect
from app.service.request import InferenceRequest
from app.translate import shape
from app.wire.anthropic import JsonObject
from app.wire.guardrail import refuse_tagged_fields


@dataclass(frozen=True, slots=True)
class Prepared:
    """`body` is as it came, `asked` is what it holds; `input_tokens` is an estimate."""

    caller: Caller
    target: Target
    body: bytes
    asked: JsonObject
    wanted: Attempt
    stream: bool
    input_tokens: int
    max_tokens: int
    one_hour_cache: bool


def prepare(
    request: InferenceRequest,
    body: bytes,
    caller: Caller,
    dialect: Dialect,
    catalog: Catalog,
    guardrail: Guardrail | None,
) -> Prepared:
    """`guardrail` is for callers who have none of their own.

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
        body=body,
        asked=asked,
        wanted=Attempt(
            target,
            wanted,
            encoded,
            guardrail=imposed,
            untouchable=dialect.passes_through,
        ),
        stream=dialect.streamed(asked),
        input_tokens=estimates.input_tokens(encoded, wanted["messages"]),
        max_tokens=wanted["max_tokens"],
        one_hour_cache=b'"ttl":"1h"' in encoded,
    )
