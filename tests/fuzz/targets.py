"""What reads bytes from outside, each beside something that reads them independently."""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

import orjson
from anthropic._streaming import SSEDecoder
from botocore.eventstream import DuplicateHeader, EventStreamBuffer, ParserError

from app.catalog.catalog import shipped_models
from app.catalog.model import Model, Target
from app.core import json_fields as shape
from app.core.json_fields import JsonObject
from app.core.text import repaired
from app.errors import InvalidRequest
from app.formats import sse
from app.formats.anthropic_bedrock import to_bedrock
from app.formats.events import Event
from app.formats.openai_chat import to_messages
from app.inference.estimates import InputEstimate
from app.inference.intake import count_values
from app.inference.known_prompts import prefixes
from app.upstream.eventstream import frame
from app.upstream.eventstream_reader import BrokenFrame, Message, MessageReader

MODELS: Final = shipped_models()


WORDS: Final = (
    *("type", "role", "user", "assistant", "content", "text", "messages", "max_tokens", "tools"),
    *("name", "input_schema", "system", "tool_use", "tool_result", "source", "url", "thinking"),
    *("function", "tool_calls", "arguments", "cache_control", "ttl", "id", "stop", "metadata"),
    *(":event-type", ":message-type", "chunk", "message_start", "content_block_delta", "bytes"),
)
"""What a mutation may put in: a name that is known leads further than one that is not."""

NUMBERS: Final = (
    *("0", "1", "-1", "16", "1.0", "0.5", "1e5", "1e308", "1e400", "-0", "-0.0"),
    *("18446744073709551615", "18446744073709551616", "-9223372036854775808"),
    *("-9223372036854775809", "123456789012345678901234567890", "9" * 309),
)
SCALARS: Final = (
    *NUMBERS,
    *("true", "false", "null", '""', r'"\ud83d\ude00"', r'"\ud800"', r'"\u0000"', r'"{\"a\":1}"'),
    *(f'"{word}"' for word in WORDS),
)
DEEPEST: Final = 5


def frames(data: bytes) -> None:
    """Frames of an event stream, in pieces: botocore's reader must find the same. It may read on
    where ours refuses (it takes a header that is cut off), never the other way round."""
    raw, size = _framed(data), 1 + (data[0] if data else 0)
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    ours, we_failed = _our_messages(pieces)
    theirs, they_failed, of_twice = _their_messages(pieces)
    if of_twice:
        assert ours[: len(theirs)] == theirs[: len(ours)]
    elif we_failed:
        assert ours == theirs[: len(ours)]
    else:
        assert (ours, we_failed) == (theirs, they_failed)


def _framed(data: bytes) -> bytes:
    """Bytes as they are, or as the headers and payload of frames that are sound but for them."""
    if not data or data[0] % 2:
        return data[1:]
    parts = data[1:].split(b"\xff\xfe")
    return b"".join(frame(*(part.partition(b"\xfd")[::2])) for part in parts)


def _our_messages(pieces: list[bytes]) -> tuple[list[Message], bool]:
    found: list[Message] = []
    reader = MessageReader()
    try:
        for piece in pieces:
            for message in reader.feed(piece):
                found.append(message)  # noqa: PERF402 - those before a broken one stay
    except BrokenFrame:
        return found, True
    return found, False


def _their_messages(pieces: list[bytes]) -> tuple[list[Message], bool, bool]:
    """Whether they failed, and whether for a header that stands twice: botocore refuses that, and
    here the last one counts, as it would in JSON."""
    found: list[Message] = []
    buffer = EventStreamBuffer()
    try:
        for piece in pieces:
            buffer.add_data(piece)
            for message in buffer:
                headers = {n: v for n, v in message.headers.items() if isinstance(v, str)}
                found.append(Message(headers, message.payload))
    except DuplicateHeader:
        return found, True, True
    except (ParserError, UnicodeDecodeError, KeyError, struct.error):
        return found, True, False
    return found, False, False


def events(data: bytes) -> None:
    """Whatever Bedrock calls an event is one server-sent event, and says the same, but for broken
    characters in its text."""
    try:
        event = Event.of(data)
    except (ValueError, KeyError, TypeError):
        return
    try:
        said = shape_of(event.raw)
    except ValueError:
        return
    written = sse.event(event.kind, event.raw) + sse.PING + sse.COMMENT
    first, second = SSEDecoder().iter_bytes(iter([written]))
    assert shape_of(first.data.encode()) == said == shape_of(repaired(data))
    assert first.event == event.kind
    assert second.event == "ping"


def bodies(data: bytes) -> None:
    """A request body is what Python's own reader finds in it, to the last digit, or a refusal."""
    if data[:1] == b"\x00":
        data = _document(iter(data[1:]), 0).encode()
    try:
        body = shape.json_object(data)
    except InvalidRequest:
        return
    again = shape_of(data)
    with suppress(InvalidRequest):
        assert shape_of(shape.encoded(body)) == again
    assert count_values(data) >= _values(again) / 2 - 1
    for model in MODELS[:2]:
        with suppress(InvalidRequest):
            _reserved(to_bedrock(body, (), model), model)
        with suppress(InvalidRequest):
            _reserved(to_bedrock(to_messages(body, default_max_tokens=9), (), model), model)


def _reserved(wanted: JsonObject, model: Model) -> None:
    """Whatever passes can be estimated, and its prefixes have no fewer tokens at most than all."""
    encoded = shape.encoded(wanted)
    estimate = InputEstimate.of(encoded, wanted, model)
    target = Target(model.name, model, model.profiles[0])
    found = prefixes(target, wanted)
    assert estimate.most >= 0
    assert [p.most_tokens for p in found] == sorted(p.most_tokens for p in found)


def _values(value: Any) -> int:
    """Values of JSON, keys among them."""
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(_values, value.values()))
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1


def _document(choices: Iterator[int], depth: int) -> str:
    """JSON text, names of the API's own in it, that the choices make: mutations of text alone
    seldom stay JSON."""
    choice = next(choices, 0)
    kind, count = choice % 4, choice // 4 % 5
    if depth > DEEPEST or kind == 3:
        return SCALARS[choice // 4 % len(SCALARS)]
    inner = [_document(choices, depth + 1) for _ in range(count)]
    if kind == 2:
        return f"[{','.join(inner)}]"
    names = [WORDS[next(choices, 0) % len(WORDS)] for _ in inner]
    return "{" + ",".join(f'"{name}":{one}' for name, one in zip(names, inner, strict=True)) + "}"


def shape_of(data: bytes) -> Any:
    """Numbers by their value: 1.0 and 1 are the same, and no digit of an integer is lost."""
    return json.loads(data.decode(), parse_int=Decimal, parse_float=lambda t: Decimal(float(t)))


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "frames": frames,
    "sse": events,
    "json": bodies,
}
SEEDS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "frames": (
        b"\x00\x05:type\x07\x00\x05chunk\xfd{}",
        b"\x03" + frame(b"\x01a\x07\x00\x01b", b"payload"),
    ),
    "sse": (b'{"type":"ping"}', b'{ "type": "content_block_delta", "delta": {"text": "a\\n"} }'),
    "json": (
        orjson.dumps({"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}),
        b'{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"text"}]}],"tools":[]}',
        b"\x00" + bytes(range(0, 250, 7)),
        b'{"tools":[{"name":"a","input_schema":{"maximum":123456789012345678901234567890}}]}',
    ),
}
