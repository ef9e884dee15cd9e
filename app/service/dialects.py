"""The two languages that clients speak; inside, there is only Anthropic's."""

from datetime import datetime
from typing import Final, Protocol

import orjson

from app.domain.usage import Usage
from app.errors import GatewayError
from app.service.metering import METRICS, Meter
from app.translate.anthropic_openai import ChunkWriter, to_completion
from app.translate.openai_anthropic import to_messages
from app.wire import sse
from app.wire.anthropic import Event, JsonObject, usage_json
from app.wire.errors import anthropic_stream_error, openai_error


class Writer(Protocol):
    """Writes one streamed answer as frames."""

    @property
    def ping(self) -> bytes: ...

    def write(self, event: Event) -> bytes: ...

    def cut(self) -> bytes:
        """Frames that end the answer in order, as if it had reached its token limit."""

    def error(self, error: GatewayError, request_id: str) -> bytes: ...


class Dialect(Protocol):
    """How a client's request is read and its answer written."""

    @property
    def name(self) -> str: ...

    def read(self, body: JsonObject) -> JsonObject:
        """The request as a Messages request."""

    def whole(self, message: JsonObject, usage: Usage, *, model: str, now: datetime) -> bytes: ...

    def writer(self, body: JsonObject, meter: Meter, *, model: str, now: datetime) -> Writer: ...


class AnthropicWriter:
    """Passes events through as they are, but for the two that speak of Bedrock."""

    ping: Final = sse.PING

    def __init__(self, meter: Meter, *, model: str) -> None:
        self._meter = meter
        self._model = model

    def write(self, event: Event) -> bytes:
        raw = event.raw
        if event.kind == "message_start":
            message = {**event.json["message"], "model": self._model}
            raw = orjson.dumps({**event.json, "message": message})
        elif event.kind == "message_stop" and METRICS in event.json:
            raw = orjson.dumps({k: v for k, v in event.json.items() if k != METRICS})
        return sse.event(event.kind, raw)

    def cut(self) -> bytes:
        frames = b""
        if self._meter.open_block is not None:
            stop = {"type": "content_block_stop", "index": self._meter.open_block}
            frames += sse.event("content_block_stop", orjson.dumps(stop))
        delta = {
            "type": "message_delta",
            "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
            "usage": usage_json(self._meter.usage),
        }
        frames += sse.event("message_delta", orjson.dumps(delta))
        return frames + sse.event("message_stop", b'{"type":"message_stop"}')

    def error(self, error: GatewayError, request_id: str) -> bytes:
        return sse.event("error", orjson.dumps(anthropic_stream_error(error, request_id)))


class AnthropicDialect:
    """Anthropic Messages."""

    name: Final = "anthropic"

    def read(self, body: JsonObject) -> JsonObject:
        return body

    def whole(self, message: JsonObject, usage: Usage, *, model: str, now: datetime) -> bytes:
        del usage, now
        return orjson.dumps({**message, "model": model})

    def writer(self, body: JsonObject, meter: Meter, *, model: str, now: datetime) -> Writer:
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
            return self._chunks.end(self._meter.usage)
        return self._chunks.write(event)

    def cut(self) -> bytes:
        self._chunks.cut()
        return self._chunks.end(self._meter.usage)

    def error(self, error: GatewayError, request_id: str) -> bytes:
        del request_id
        return sse.data(orjson.dumps(openai_error(error)))


class OpenAIDialect:
    """OpenAI Chat Completions."""

    name: Final = "openai"

    def __init__(self, *, default_max_tokens: int) -> None:
        self._default_max_tokens = default_max_tokens

    def read(self, body: JsonObject) -> JsonObject:
        return to_messages(body, default_max_tokens=self._default_max_tokens)

    def whole(self, message: JsonObject, usage: Usage, *, model: str, now: datetime) -> bytes:
        created = int(now.timestamp())
        return orjson.dumps(to_completion(message, usage, model=model, created=created))

    def writer(self, body: JsonObject, meter: Meter, *, model: str, now: datetime) -> Writer:
        options = body.get("stream_options")
        include = isinstance(options, dict) and options.get("include_usage") is True
        chunks = ChunkWriter(model=model, created=int(now.timestamp()), include_usage=include)
        return OpenAIWriter(meter, chunks)
