"""The languages that clients speak; inside, there is only Anthropic's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

import orjson

from app.catalog.model import Model
from app.core import json_fields
from app.core.json_fields import JsonObject
from app.core.usage import Usage
from app.errors import GatewayError
from app.formats import guardrail, sse
from app.formats.anthropic_bedrock import to_bedrock
from app.formats.errors import anthropic_stream_error, openai_error
from app.formats.events import Event, last_events
from app.formats.meter import Meter
from app.formats.openai_chat import to_messages
from app.formats.openai_chat_response import ChunkWriter, to_completion
from app.formats.usage import usage_json


class FrameWriter(Protocol):
    """Writes one streamed answer as frames."""

    @property
    def ping(self) -> bytes: ...

    def write(self, event: Event) -> bytes: ...

    def cut(self) -> bytes:
        """Frames that end the answer in order, as if it had reached its token limit."""

    def error(self, error: GatewayError, request_id: str) -> bytes: ...


class ApiFormat(Protocol):
    """How a client's request is read and its answer written."""

    @property
    def name(self) -> str: ...

    @property
    def passes_through(self) -> bool:
        """Whether requests are Bedrock's own, so that nothing may be left out of them."""

    def model(self, body: JsonObject) -> str:
        """The model's name, as the client gave it."""

    def streamed(self, body: JsonObject) -> bool: ...

    def to_bedrock(self, body: JsonObject, betas: Sequence[str], model: Model) -> JsonObject:
        """What Bedrock is sent."""

    def whole(self, message: JsonObject, usage: Usage, *, model: str, now: datetime) -> bytes: ...

    def writer(
        self, body: JsonObject, meter: Meter, *, model: str, now: datetime
    ) -> FrameWriter: ...


class AnthropicWriter:
    """Passes events through as they are, but for what speaks of Bedrock. `message_delta` waits for
    the event after it, which may tell that a guardrail intervened."""

    ping: Final = sse.PING

    def __init__(self, meter: Meter, *, model: str) -> None:
        self._meter = meter
        self._model = model
        self._waiting: Event | None = None

    def write(self, event: Event) -> bytes:
        before, self._waiting = self._waiting, None
        frames = self._message_delta(before) if before else b""
        if event.kind == "message_delta":
            self._waiting = event
            return frames
        if event.kind == "message_start":
            message = guardrail.stripped(event.json["message"]) | {"model": self._model}
            raw = orjson.dumps({**guardrail.stripped(event.json), "message": message})
            return sse.event(event.kind, raw)
        return frames + sse.event(event.kind, _stripped(event))

    def _message_delta(self, event: Event) -> bytes:
        if not self._meter.intervened:
            return sse.event(event.kind, _stripped(event))
        refused = {**event.json.get("delta", {}), "stop_reason": "refusal", "stop_sequence": None}
        fields = guardrail.stripped(event.json)
        return sse.event(event.kind, orjson.dumps({**fields, "delta": refused}))

    def cut(self) -> bytes:
        last = last_events(self._meter.open_block, self._meter.usage)
        return b"".join(sse.event(event.kind, event.raw) for event in last)

    def error(self, error: GatewayError, request_id: str) -> bytes:
        return sse.event("error", orjson.dumps(anthropic_stream_error(error, request_id)))


def _stripped(event: Event) -> bytes:
    if guardrail.MARK not in event.raw:
        return event.raw
    fields = guardrail.stripped(event.json)
    return event.raw if fields is event.json else orjson.dumps(fields)


class _ModelInBody:
    """Model and stream are fields of the body."""

    passes_through: Final = False

    def model(self, body: JsonObject) -> str:
        return json_fields.text(body.get("model"), "model")

    def streamed(self, body: JsonObject) -> bool:
        return json_fields.flag(body.get("stream"), "stream")


class AnthropicFormat(_ModelInBody):
    """Anthropic Messages."""

    name: Final = "anthropic"

    def to_bedrock(self, body: JsonObject, betas: Sequence[str], model: Model) -> JsonObject:
        return to_bedrock(body, betas, model)

    def whole(self, message: JsonObject, usage: Usage, *, model: str, now: datetime) -> bytes:
        del now
        return orjson.dumps(
            {"usage": usage_json(usage), **guardrail.shown(message), "model": model}
        )

    def writer(self, body: JsonObject, meter: Meter, *, model: str, now: datetime) -> FrameWriter:
        del body, now
        return AnthropicWriter(meter, model=model)


class OpenAIWriter:
    """Writes chunks; the last ones carry the usage that the meter has by then."""

    ping: Final = sse.COMMENT

    def __init__(self, meter: Meter, chunks: ChunkWriter) -> None:
        self._meter = meter
        self._chunks = chunks

    def write(self, event: Event) -> bytes:
        if event.kind == "message_stop":
            if self._meter.intervened:
                self._chunks.filtered()
            return self._chunks.end(self._meter.usage)
        return self._chunks.write(event)

    def cut(self) -> bytes:
        self._chunks.cut()
        return self._chunks.end(self._meter.usage)

    def error(self, error: GatewayError, request_id: str) -> bytes:
        del request_id
        return sse.data(orjson.dumps(openai_error(error)))


class OpenAIFormat(_ModelInBody):
    """OpenAI Chat Completions."""

    name: Final = "openai"

    def __init__(self, *, default_max_tokens: int) -> None:
        self._default_max_tokens = default_max_tokens

    def to_bedrock(self, body: JsonObject, betas: Sequence[str], model: Model) -> JsonObject:
        asked = to_messages(
            body,
            default_max_tokens=self._default_max_tokens,
            most_tokens=model.max_output_tokens,
        )
        return to_bedrock(asked, betas, model)

    def whole(self, message: JsonObject, usage: Usage, *, model: str, now: datetime) -> bytes:
        created = int(now.timestamp())
        shown = guardrail.shown(message)
        return orjson.dumps(to_completion(shown, usage, model=model, created=created))

    def writer(self, body: JsonObject, meter: Meter, *, model: str, now: datetime) -> FrameWriter:
        options = body.get("stream_options")
        include = isinstance(options, dict) and options.get("include_usage") is True
        chunks = ChunkWriter(model=model, created=int(now.timestamp()), include_usage=include)
        return OpenAIWriter(meter, chunks)
