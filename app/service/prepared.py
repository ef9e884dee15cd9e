"""A request that has been read: all that is needed to admit it and to call Bedrock."""

from dataclasses import dataclass

import orjson

from app.catalog.loader import Catalog
from app.domain.keys import Caller
from app.domain.models import Target
from app.ports import Call
from app.service import estimates
from app.service.dialects import Dialect
from app.service.request import InferenceRequest
from app.translate import shape
from app.translate.anthropic_bedrock import to_bedrock
from app.wire.anthropic import JsonObject


@dataclass(frozen=True, slots=True)
class Prepared:
    """`asked` is the body as it came, `input_tokens` an estimate."""

    caller: Caller
    target: Target
    asked: JsonObject
    call: Call
    stream: bool
    input_tokens: int
    max_tokens: int
    one_hour_cache: bool


def prepare(
    request: InferenceRequest, caller: Caller, dialect: Dialect, catalog: Catalog
) -> Prepared:
    """Raises InvalidRequest, naming the field, or UnknownModel."""
    asked = shape.json_object(request.body)
    target = catalog.resolve(shape.text(asked.get("model"), "model"))
    body = to_bedrock(dialect.read(asked), request.betas, target.model)
    encoded = orjson.dumps(body)
    return Prepared(
        caller=caller,
        target=target,
        asked=asked,
        call=Call(target.profile.bedrock_id, encoded),
        stream=shape.flag(asked.get("stream"), "stream"),
        input_tokens=estimates.input_tokens(encoded, body["messages"]),
        max_tokens=body["max_tokens"],
        one_hour_cache=b'"ttl":"1h"' in encoded,
    )
