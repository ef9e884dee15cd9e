"""Amazon's event stream, in whatever pieces it comes."""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import GatewayError, UpstreamBroke, UpstreamFailed, UpstreamThrottled
from app.local.emulator.frames import chunk, exception
from app.upstream.bedrock import FrameReader
from app.upstream.eventstream import frame, headers

EVENTS = [orjson.dumps({"type": "ping", "text": "x" * size}) for size in (0, 10, 500)]
WHOLE = b"".join(map(chunk, EVENTS))
OTHER_EVENT = frame(headers(event_type="made_up", message_type="event"), b"{}")
GARBAGE = b"\x00\x00\x00\x20these bytes are no frame of an event stream"


def read(*pieces: bytes) -> tuple[list[bytes], GatewayError | None]:
    reader = FrameReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events, reader.failure


@given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=6).map(sorted))
def test_events_come_out_whole_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    bounds = [0, *cuts, len(WHOLE)]
    pieces = [WHOLE[a:b] for a, b in pairwise(bounds)]

    assert read(*pieces) == (EVENTS, None)


def test_frames_that_are_no_chunks_are_passed_over() -> None:
    assert read(OTHER_EVENT + WHOLE + OTHER_EVENT) == (EVENTS, None)


@pytest.mark.parametrize("together", [True, False])
def test_events_before_an_exception_are_given_first(together: bool) -> None:
    last = exception("throttlingException")
    events, failure = read(WHOLE + last) if together else read(WHOLE, last)

    assert events == EVENTS
    assert isinstance(failure, UpstreamThrottled)


@pytest.mark.parametrize(
    "broken",
    [
        GARBAGE,
        chunk(EVENTS[1])[:-1] + b"\x00",
        frame(headers(event_type="chunk", message_type="event"), b"no json"),
        frame(headers(event_type="chunk", message_type="event"), b"{}"),
        frame(headers(event_type="chunk", message_type="event"), b'{"bytes":5}'),
        frame(headers(event_type="chunk", message_type="event"), b"[]"),
    ],
    ids=["garbage", "checksum", "no JSON", "no bytes", "a number", "a list"],
)
def test_what_cannot_be_read_is_a_broken_stream_after_the_events_before_it(broken: bytes) -> None:
    events, failure = read(WHOLE + broken)

    assert events == EVENTS
    assert isinstance(failure, UpstreamBroke)


@pytest.mark.parametrize(
    ("named", "payload", "kind"),
    [
        ({"exception_type": "internalServerException"}, b'{"message":"x"}', UpstreamFailed),
        ({"exception_type": "throttlingException"}, b"no json", UpstreamThrottled),
        ({"exception_type": "throttlingException"}, b"[]", UpstreamThrottled),
        ({"error_code": "throttlingException"}, b"{}", UpstreamThrottled),
        ({}, b"{}", UpstreamFailed),
    ],
)
def test_an_exception_is_known_by_its_name_whatever_else_it_holds(
    named: dict[str, str], payload: bytes, kind: type[GatewayError]
) -> None:
    _, failure = read(frame(headers(message_type="exception", **named), payload))

    assert isinstance(failure, kind)
