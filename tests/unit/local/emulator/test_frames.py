import json
from base64 import b64decode
from typing import get_args

import pytest
from botocore.eventstream import ChecksumMismatch

from app.local.emulator.faults import StreamException
from app.local.emulator.frames import chunk, exception
from tests.unit.local.emulator.client import frames


def test_botocore_decodes_a_chunk() -> None:
    (message,) = frames(chunk(b'{"type":"message_stop"}'))

    assert message.headers == {
        ":event-type": "chunk",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    payload = json.loads(message.payload)
    assert b64decode(payload["bytes"]) == b'{"type":"message_stop"}'
    assert payload["p"].isalnum()


def test_many_frames_in_a_row_are_told_apart() -> None:
    raw = b"".join(chunk(b'{"n":%d}' % number) for number in range(100))

    decoded = [json.loads(b64decode(json.loads(m.payload)["bytes"])) for m in frames(raw)]

    assert decoded == [{"n": number} for number in range(100)]


@pytest.mark.parametrize("kind", get_args(StreamException))
def test_botocore_reads_an_exception_frame_as_an_error(kind: StreamException) -> None:
    (message,) = frames(exception(kind))
    response = message.to_response_dict()

    assert response["headers"][":exception-type"] == kind
    assert response["headers"][":message-type"] == "exception"
    assert response["status_code"] == 400
    assert json.loads(response["body"])["message"]


@pytest.mark.parametrize("place", [9, 40, -6, -1])
def test_a_frame_with_a_flipped_bit_fails_its_checksum(place: int) -> None:
    raw = bytearray(chunk(b'{"type":"message_stop","padding":"x"}'))
    raw[place] ^= 1

    with pytest.raises(ChecksumMismatch):
        frames(bytes(raw))
