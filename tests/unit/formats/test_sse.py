"""Server-sent events as the clients' own parsers read them."""

from collections.abc import Iterator

import pytest
from anthropic._streaming import SSEDecoder as AnthropicDecoder
from openai._streaming import SSEDecoder as OpenAIDecoder

from app.formats import sse


def frames(chunk: bytes) -> Iterator[bytes]:
    yield chunk


def test_an_event_is_read_by_name() -> None:
    (event,) = AnthropicDecoder().iter_bytes(frames(sse.event("message_stop", b'{"a":"b: c"}')))

    assert (event.event, event.data) == ("message_stop", '{"a":"b: c"}')


def test_data_without_a_name_is_read() -> None:
    (event,) = OpenAIDecoder().iter_bytes(frames(sse.data(b'{"a":1}')))

    assert (event.event, event.data) == (None, '{"a":1}')


def test_a_comment_is_nothing_to_a_client() -> None:
    assert [e.data for e in OpenAIDecoder().iter_bytes(frames(sse.COMMENT))] == []


def test_a_ping_and_the_end_are_what_clients_know() -> None:
    (ping,) = AnthropicDecoder().iter_bytes(frames(sse.PING))
    (done,) = OpenAIDecoder().iter_bytes(frames(sse.DONE))

    assert (ping.event, ping.data, done.data) == ("ping", '{"type":"ping"}', "[DONE]")


@pytest.mark.parametrize("frame", [sse.PING, sse.COMMENT, sse.DONE, sse.event("a", b"{}")])
def test_each_frame_ends_with_an_empty_line(frame: bytes) -> None:
    assert frame.endswith(b"\n\n")
    assert b"\n\n" not in frame[:-2]
