"""Frames of `application/vnd.amazon.eventstream`, as Bedrock streams them."""

import base64
import secrets
import struct
import zlib
from typing import Final

import orjson

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"

STRING: Final = 7
"""The header type of a string."""

PADDING: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def frame(headers: bytes, payload: bytes) -> bytes:
    """One message: a prelude of two lengths with its checksum, the rest, and a checksum of all."""
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def headers(**values: str) -> bytes:
    """Encodes string headers; `event_type="chunk"` becomes `:event-type`."""
    return b"".join(_header(f":{name.replace('_', '-')}", value) for name, value in values.items())


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack(">B", len(key)) + key + struct.pack(">BH", STRING, len(text)) + text


CHUNK_HEADERS: Final = headers(
    event_type="chunk", content_type="application/json", message_type="event"
)


def chunk(event: bytes) -> bytes:
    """The frame around one event of the model, given as JSON. Its padding is of any length, so
    that the size of a frame on the wire does not tell how long a token is."""
    padding = PADDING[: 1 + secrets.randbelow(len(PADDING))]
    return padded_chunk(event, padding)


def padded_chunk(event: bytes, padding: str) -> bytes:
    """The same with a padding that is given."""
    payload = b'{"bytes":"%b","p":"%b"}' % (base64.b64encode(event), padding.encode())
    return frame(CHUNK_HEADERS, payload)


def exception(kind: str, message: str) -> bytes:
    """The frame that ends a stream with an exception, such as `throttlingException`."""
    return frame(
        headers(exception_type=kind, content_type="application/json", message_type="exception"),
        orjson.dumps({"message": message}),
    )
