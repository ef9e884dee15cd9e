"""Reads frames of `application/vnd.amazon.eventstream`, in whatever pieces they come (ADR 18).

Source: AWS, "Event stream encoding" of the Smithy specification. Equal to botocore's, by test.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from app.upstream.eventstream import STRING

PRELUDE: Final = struct.Struct(">III")
"""Length of the message, length of its headers, checksum of the two."""

CHECKSUM: Final = struct.Struct(">I")

LENGTHS_BYTES: Final = 8

AROUND_BYTES: Final = PRELUDE.size + CHECKSUM.size

LONGEST_HEADERS: Final = 128 * 1024

LONGEST_MESSAGE: Final = 24 * 1024 * 1024

SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type, where the type alone says so."""

WITH_LENGTH: Final = {6, STRING}


class BrokenFrame(ValueError):
    """The bytes are no frame."""


class Message(NamedTuple):
    """A frame's string headers and its payload."""

    headers: Mapping[str, str]
    payload: bytes


class MessageReader:
    """Takes bytes as received, and returns complete messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Those that `data` completes, to be taken before the next call. Raises BrokenFrame."""
        source: bytes | bytearray = data
        if self._rest:
            self._rest += data
            source = self._rest
        at = 0
        while (whole := _whole(source, at)) is not None:
            at += len(whole)
            yield _message(whole)
        self._rest = bytearray(source[at:]) if at else bytearray(source)


def _whole(source: bytes | bytearray, at: int) -> bytes | None:
    """The frame that begins there, if all of it has come."""
    if len(source) - at < PRELUDE.size:
        return None
    length, headers, checksum = PRELUDE.unpack_from(source, at)
    if zlib.crc32(source[at : at + LENGTHS_BYTES]) != checksum:
        raise BrokenFrame("the checksum of a frame's lengths is wrong")
    if length > LONGEST_MESSAGE or headers > min(LONGEST_HEADERS, length - AROUND_BYTES):
        raise BrokenFrame("a frame's lengths are not possible")
    if len(source) - at < length:
        return None
    return bytes(source[at : at + length])


def _message(frame: bytes) -> Message:
    if zlib.crc32(memoryview(frame)[: -CHECKSUM.size]) != CHECKSUM.unpack(frame[-4:])[0]:
        raise BrokenFrame("the checksum of a frame is wrong")
    _, headers, _ = PRELUDE.unpack_from(frame)
    payload = PRELUDE.size + headers
    return Message(_headers(frame[PRELUDE.size : payload]), frame[payload : -CHECKSUM.size])


@lru_cache(maxsize=64)
def _headers(encoded: bytes) -> Mapping[str, str]:
    """The same few bytes stand before nearly every event."""
    found, at = {}, 0
    try:
        while at < len(encoded):
            size = encoded[at]
            name = encoded[at + 1 : at + 1 + size].decode()
            at += 1 + size
            kind = encoded[at]
            if kind in WITH_LENGTH:
                (size,) = struct.unpack_from(">H", encoded, at + 1)
                at += 2
            else:
                size = SIZES[kind]
            at += 1
            if kind == STRING:
                found[name] = encoded[at : at + size].decode()
            at += size
    except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise BrokenFrame("a frame's headers cannot be read") from error
    if at != len(encoded):
        raise BrokenFrame("a frame's headers are cut off")
    return found
