"""Frames of `application/vnd.amazon.eventstream`: lengths, headers and both checksums."""

import base64
import struct
import zlib

import orjson

from app.local.emulator.faults import StreamException, streamed

PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""Bedrock hides the length of a token behind a field of changing length, `p`."""

STRING = 7
"""The header type of a string."""


def frame(headers: bytes, payload: bytes) -> bytes:
    """One message: a prelude of two lengths with its checksum, the rest, and a checksum of all."""
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def headers(**values: str) -> bytes:
    """Encodes string headers; `event_type="chunk"` becomes `:event-type`."""
    return b"".join(_header(f":{name.replace('_', '-')}", value) for name, value in values.items())


def _header(name: str, value: str) -> bytes:
    return (
        struct.pack(">B", len(name))
        + name.encode()
        + struct.pack(">BH", STRING, len(value))
        + value.encode()
    )


CHUNK_HEADERS = headers(event_type="chunk", content_type="application/json", message_type="event")


def chunk(event: bytes) -> bytes:
    """The frame around one event of the model, which is given as JSON."""
    padding = PADDING[: 1 + len(event) % len(PADDING)]
    payload = b'{"bytes":"%b","p":"%b"}' % (base64.b64encode(event), padding.encode())
    return frame(CHUNK_HEADERS, payload)


def exception(kind: StreamException) -> bytes:
    """The frame that ends a stream with an exception."""
    return frame(
        headers(exception_type=kind, content_type="application/json", message_type="exception"),
        orjson.dumps(streamed(kind).body),
    )
