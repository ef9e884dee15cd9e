"""Messages of the data channel, in bytes and back."""

import hashlib
import json
import struct
import uuid
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

HEADER: Final = struct.Struct(">I32sIQqQ16s32sI")
"""Length of itself, type, version, milliseconds, sequence, flags, id, SHA-256, kind of payload."""
LENGTH: Final = struct.Struct(">I")
VERSION: Final = 1

OUTPUT_STREAM: Final = "output_stream_data"
INPUT_STREAM: Final = "input_stream_data"
ACKNOWLEDGE: Final = "acknowledge"
CLOSED: Final = "channel_closed"


class Kind(IntEnum):
    """What a message carries."""

    NONE = 0
    OUTPUT = 1
    HANDSHAKE_REQUEST = 5
    HANDSHAKE_RESPONSE = 6
    HANDSHAKE_COMPLETE = 7
    CHALLENGE_REQUEST = 8
    CHALLENGE_RESPONSE = 9
    STDERR = 11


class BrokenFrame(Exception):
    """Bytes that are no message, or one that was changed on its way."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    type: str
    payload: bytes
    kind: int = Kind.NONE
    sequence: int = 0
    flags: int = 0
    created_ms: int = 0
    id: uuid.UUID = field(default_factory=uuid.uuid4)

    def json(self) -> Any:
        try:
            return json.loads(self.payload)
        except ValueError as error:
            raise BrokenFrame(f"{self.type} carries no JSON") from error

    def encoded(self) -> bytes:
        header = HEADER.pack(
            HEADER.size,
            self.type.encode().ljust(32),
            VERSION,
            self.created_ms,
            self.sequence,
            self.flags,
            _swapped(self.id.bytes),
            hashlib.sha256(self.payload).digest(),
            self.kind,
        )
        return header + LENGTH.pack(len(self.payload)) + self.payload


def decoded(raw: bytes) -> Frame:
    """Raises BrokenFrame."""
    try:
        size, kind_of, _, created, sequence, flags, name, digest, kind = HEADER.unpack_from(raw)
        (length,) = LENGTH.unpack_from(raw, size)
        type_ = kind_of.decode("ascii").strip(" \0")
    except (struct.error, UnicodeDecodeError) as error:
        raise BrokenFrame(f"{len(raw)} bytes are no message") from error
    start = size + LENGTH.size
    payload = raw[start : start + length]
    if len(payload) != length:
        raise BrokenFrame(f"{type_} was cut off")
    # Session Manager itself, which sends this one, leaves the digest empty.
    if type_ != CLOSED and payload and hashlib.sha256(payload).digest() != digest:
        raise BrokenFrame(f"{type_} was changed on its way")
    return Frame(type_, payload, kind, sequence, flags, created, uuid.UUID(bytes=_swapped(name)))


def acknowledgement(of: Frame, created_ms: int) -> Frame:
    content = {
        "AcknowledgedMessageType": of.type,
        "AcknowledgedMessageId": str(of.id),
        "AcknowledgedMessageSequenceNumber": of.sequence,
        "IsSequentialMessage": True,
    }
    payload = json.dumps(content).encode()
    return Frame(ACKNOWLEDGE, payload, flags=3, created_ms=created_ms)


def _swapped(name: bytes) -> bytes:
    """The protocol sends the second half of an id first."""
    return name[8:] + name[:8]
