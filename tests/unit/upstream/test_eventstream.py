"""AWS's own decoder reads the frames that the gateway writes."""

import json
from base64 import b64decode

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer, EventStreamMessage
from hypothesis import given
from hypothesis import strategies as st

from app.upstream.eventstream import PADDING, chunk, exception, frame, headers, padded_chunk


def decoded(raw: bytes) -> list[EventStreamMessage]:
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    return list(buffer)


@given(st.binary(max_size=5000))
def test_an_event_comes_out_as_it_went_in(event: bytes) -> None:
    (message,) = decoded(chunk(event))

    assert message.headers == {
        ":event-type": "chunk",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert b64decode(json.loads(message.payload)["bytes"]) == event


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_frames_in_a_row_are_told_apart(events: list[bytes]) -> None:
    messages = decoded(b"".join(map(chunk, events)))

    assert [b64decode(json.loads(m.payload)["bytes"]) for m in messages] == events


def test_the_length_of_a_frame_does_not_tell_the_length_of_its_event() -> None:
    lengths = {len(chunk(b'{"type":"message_stop"}')) for _ in range(500)}

    assert len(lengths) > 20
    assert max(lengths) - min(lengths) < len(PADDING)


def test_a_given_padding_is_kept() -> None:
    (message,) = decoded(padded_chunk(b"{}", "abc"))

    assert json.loads(message.payload)["p"] == "abc"


def test_an_exception_is_read_as_an_error() -> None:
    (message,) = decoded(exception("throttlingException", 'Slow "down".'))
    response = message.to_response_dict()

    assert response["headers"][":message-type"] == "exception"
    assert response["headers"][":exception-type"] == "throttlingException"
    assert json.loads(response["body"]) == {"message": 'Slow "down".'}


def test_headers_are_named_as_on_the_wire() -> None:
    (message,) = decoded(frame(headers(event_type="other", note="ü"), b""))

    assert message.headers == {":event-type": "other", ":note": "ü"}


@pytest.mark.parametrize("place", [9, 40, -6, -1])
def test_a_flipped_bit_fails_the_checksum(place: int) -> None:
    raw = bytearray(chunk(b'{"type":"message_stop","more":"x"}'))
    raw[place] ^= 1

    with pytest.raises(ChecksumMismatch):
        decoded(bytes(raw))
