"""Messages of the data channel."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.session.frames import CLOSED, OUTPUT_STREAM, BrokenFrame, Frame, Kind, decoded
from ops.session.output import Output

FRAMES = st.builds(
    Frame,
    type=st.sampled_from([OUTPUT_STREAM, CLOSED]),
    payload=st.binary(max_size=2000),
    kind=st.sampled_from(Kind),
    sequence=st.integers(0, 2**62),
    flags=st.integers(0, 3),
    created_ms=st.integers(0, 2**62),
    id=st.uuids(),
)


@given(FRAMES)
def test_what_is_encoded_can_be_decoded(frame: Frame) -> None:
    assert decoded(frame.encoded()) == frame


def test_the_layout_is_the_published_one() -> None:
    name = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
    raw = Frame(OUTPUT_STREAM, b"hi", Kind.OUTPUT, 7, 1, 5, name).encoded()

    assert raw[:4] == (116).to_bytes(4, "big")
    assert raw[4:36] == b"output_stream_data".ljust(32)
    assert raw[36:40] == (1).to_bytes(4, "big")
    assert (raw[40:48], raw[48:56]) == ((5).to_bytes(8, "big"), (7).to_bytes(8, "big"))
    assert raw[64:80].hex() == "8899aabbccddeeff0011223344556677"
    assert raw[112:116] == (1).to_bytes(4, "big")
    assert raw[116:] == (2).to_bytes(4, "big") + b"hi"


@given(st.binary(max_size=300))
def test_bytes_that_are_no_message_are_told(raw: bytes) -> None:
    with pytest.raises(BrokenFrame):
        decoded(raw)


@given(FRAMES.filter(lambda frame: frame.type == OUTPUT_STREAM and frame.payload))
def test_a_message_that_was_changed_is_not_taken(frame: Frame) -> None:
    raw = bytearray(frame.encoded())
    raw[-1] ^= 1

    with pytest.raises(BrokenFrame):
        decoded(bytes(raw))


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30)),
    st.integers(1, 9),
)
def test_lines_come_out_whole_however_they_are_cut(lines: list[str], size: int) -> None:
    shown: list[str] = []
    output = Output(shown.append, "mark:")
    data = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\nmark:3\r\n"
    for at in range(0, len(data), size):
        output.take(data[at : at + size])
    output.end()

    assert output.lines == lines
    assert output.exit_code == 3
