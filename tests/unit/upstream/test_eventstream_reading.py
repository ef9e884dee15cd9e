"""Frames are read as AWS's own decoder reads them."""

import struct
import zlib
from itertools import pairwise

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from app.upstream.eventstream import chunk, frame, headers
from app.upstream.eventstream_reader import LONGEST_MESSAGE, BrokenFrame, Message, MessageReader

NAMES = st.text(min_size=1, max_size=20).filter(lambda name: len(name.encode()) < 256)
VALUES: dict[int, st.SearchStrategy[bytes]] = {
    0: st.just(b""),
    1: st.just(b""),
    2: st.binary(min_size=1, max_size=1),
    3: st.binary(min_size=2, max_size=2),
    4: st.binary(min_size=4, max_size=4),
    5: st.binary(min_size=8, max_size=8),
    6: st.binary(max_size=30).map(lambda value: struct.pack(">H", len(value)) + value),
    7: st.text(max_size=30).map(lambda text: struct.pack(">H", len(text.encode())) + text.encode()),
    8: st.binary(min_size=8, max_size=8),
    9: st.binary(min_size=16, max_size=16),
}
HEADERS = st.dictionaries(
    NAMES,
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda kind: VALUES[kind].map(lambda value: bytes([kind]) + value)
    ),
    max_size=6,
)


def read(*pieces: bytes) -> list[Message]:
    reader = MessageReader()
    return [message for piece in pieces for message in reader.feed(piece)]


@given(encoded=HEADERS, payload=st.binary(max_size=300))
def test_strings_and_payload_are_what_botocore_finds(
    encoded: dict[str, bytes], payload: bytes
) -> None:
    names = b"".join(bytes([len(n.encode())]) + n.encode() + v for n, v in encoded.items())
    raw = frame(names, payload)
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    (theirs,) = buffer

    (ours,) = read(raw)

    kinds = {name: value[0] for name, value in encoded.items()}
    assert ours.headers == {n: v for n, v in theirs.headers.items() if kinds[n] == 7}
    assert ours.payload == theirs.payload


@given(
    events=st.lists(st.binary(max_size=100), max_size=5),
    cuts=st.lists(st.integers(0, 1000), max_size=8),
)
def test_messages_come_out_whole_wherever_the_stream_is_cut(
    events: list[bytes], cuts: list[int]
) -> None:
    whole = b"".join(map(chunk, events))
    bounds = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    pieces = [whole[a:b] for a, b in pairwise(bounds)]

    assert read(*pieces) == read(whole)
    assert len(read(whole)) == len(events)


@given(st.binary(max_size=60), st.integers(0, 59), st.integers(1, 255))
def test_a_byte_that_changed_on_the_way_is_noticed(event: bytes, place: int, change: int) -> None:
    raw = bytearray(chunk(event))
    raw[place] ^= change

    with pytest.raises(BrokenFrame):
        assert read(bytes(raw) + bytes(300)) == []


@pytest.mark.parametrize(
    "broken",
    [
        frame(b"\x05:name", b""),
        frame(b"\x01a\x07\x00\x09short", b""),
        frame(b"\x01a\x0b", b""),
        frame(b"\x01a\x07\x00\x01\xff", b""),
        frame(b"\x01a\x04\x00", b""),
    ],
    ids=["no type", "cut off", "unknown type", "no text", "half a number"],
)
def test_headers_that_cannot_be_read_are_refused(broken: bytes) -> None:
    with pytest.raises(BrokenFrame):
        read(broken)


@pytest.mark.parametrize("lengths", [(15, 0), (100, 100), (LONGEST_MESSAGE + 1, 0), (2**32 - 1, 9)])
def test_lengths_that_cannot_be_are_refused_before_anything_is_waited_for(
    lengths: tuple[int, int],
) -> None:
    prelude = struct.pack(">II", *lengths)

    with pytest.raises(BrokenFrame):
        read(prelude + struct.pack(">I", zlib.crc32(prelude)))


def test_headers_are_told_apart_by_all_of_their_bytes() -> None:
    kinds = [headers(event_type=f"kind{number}") for number in range(200)]

    found = read(b"".join(frame(kind, b"") for kind in kinds))

    assert [one.headers[":event-type"] for one in found] == [f"kind{n}" for n in range(200)]
