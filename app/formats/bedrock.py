"""Bedrock's own language: requests go through as they came, and answers as Bedrock gave them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

import orjson

from app.catalog.model import Model
from app.core import json_fields
from app.core.json_fields import JsonObject
from app.core.usage import Usage
from app.errors import GatewayError
from app.formats import guardrail
from app.formats.anthropic_bedrock import ANTHROPIC_VERSION
from app.formats.errors import bedrock_stream_exception
from app.formats.events import Event, last_events
from app.formats.format import FrameWriter
from app.formats.meter import Meter
from app.upstream import eventstream


class BedrockWriter:
    """Puts each event into a frame again, untouched."""

    ping: Final = b""
    """Bedrock's streams have none, and its clients would not know one."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def write(self, event: Event) -> bytes:
        if guardrail.MARK in event.raw and guardrail.TRACE in event.json:
            return eventstream.chunk(orjson.dumps(guardrail.untraced(event.json)))
        return eventstream.chunk(event.untouched)

    def cut(self) -> bytes:
        last = last_events(self._meter.open_block, self._meter.usage)
        return b"".join(map(self.write, last))

    def error(self, error: GatewayError, request_id: str) -> bytes:
        del request_id
        return eventstream.exception(bedrock_stream_exception(error), error.message)


@dataclass(frozen=True, slots=True)
class BedrockFormat:
    """InvokeModel, of the model in the path; whole or as an event stream by the operation."""

    name: ClassVar[str] = "bedrock"
    passes_through: ClassVar[bool] = True
    model_id: str
    stream: bool

    def model(self, body: JsonObject) -> str:
        del body
        return self.model_id

    def streamed(self, body: JsonObject) -> bool:
        del body
        return self.stream

    def to_bedrock(self, body: JsonObject, betas: Sequence[str], model: Model) -> JsonObject:
        """The body itself, unless it has the version that Anthropic's SDK for Bedrock writes and
        not all models know. What a hold depends on is checked; the rest Bedrock checks."""
        del betas, model
        json_fields.positive_integer(body.get("max_tokens"), "max_tokens")
        json_fields.messages(body)
        if body.get("anthropic_version") == ANTHROPIC_VERSION:
            return body
        return {**body, "anthropic_version": ANTHROPIC_VERSION}

    def whole(self, message: JsonObject, usage: Usage, *, model: str, now: datetime) -> bytes:
        del usage, model, now
        return orjson.dumps(guardrail.untraced(message))

    def writer(self, body: JsonObject, meter: Meter, *, model: str, now: datetime) -> FrameWriter:
        del body, model, now
        return BedrockWriter(meter)
