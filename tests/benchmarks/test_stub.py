"""The stub is readable by what reads Bedrock, and answers at the pace that it was set to."""

import json
import time
from base64 import b64decode
from collections.abc import Iterator

import httpx
import pytest
from botocore.eventstream import EventStreamBuffer

from app.upstream.bedrock import FrameReader
from benchmarks.stub_answers import Pace
from benchmarks.targets.direct import StubProcess, stub_process


@pytest.fixture(scope="module")
def stub() -> Iterator[StubProcess]:
    with stub_process() as found:
        yield found


def ask(stub: StubProcess, action: str) -> httpx.Response:
    return httpx.post(f"{stub.url}/model/any%3A0/{action}", json={"max_tokens": 1}, timeout=30)


def test_a_stream_is_what_the_gateway_reads(stub: StubProcess) -> None:
    stub.set(Pace(deltas=7))
    reader = FrameReader()
    events = reader.feed(ask(stub, "invoke-with-response-stream").content)
    kinds = [json.loads(event)["type"] for event in events]

    assert reader.failure is None
    assert kinds[0] == "message_start"
    assert kinds.count("content_block_delta") == 7
    assert kinds[-1] == "message_stop"


def test_a_paced_stream_has_the_same_frames(stub: StubProcess) -> None:
    stub.set(Pace(deltas=7))
    at_once = FrameReader().feed(ask(stub, "invoke-with-response-stream").content)
    stub.set(Pace(deltas=7, delay_ms=5))
    since = time.monotonic()
    paced = FrameReader().feed(ask(stub, "invoke-with-response-stream").content)

    assert paced[1:] == at_once[1:]
    assert time.monotonic() - since >= 0.005 * len(paced[2:])


def test_latency_is_waited_for(stub: StubProcess) -> None:
    stub.set(Pace(latency_ms=60))
    since = time.monotonic()
    ask(stub, "invoke")

    assert time.monotonic() - since >= 0.055


def test_no_two_answers_have_the_same_id(stub: StubProcess) -> None:
    stub.set(Pace())
    whole = {ask(stub, "invoke").json()["id"] for _ in range(3)}
    streamed = {
        json.loads(FrameReader().feed(ask(stub, "invoke-with-response-stream").content)[0])[
            "message"
        ]["id"]
        for _ in range(3)
    }

    assert len(whole | streamed) == 6


def test_converse_is_answered_for_those_who_call_it(stub: StubProcess) -> None:
    stub.set(Pace(deltas=3))
    buffer = EventStreamBuffer()
    buffer.add_data(ask(stub, "converse-stream").content)
    kinds = [message.headers[":event-type"] for message in buffer]

    assert ask(stub, "converse").json()["usage"]["outputTokens"] == 3
    assert kinds.count("contentBlockDelta") == 3
    assert kinds[-1] == "metadata"


def test_another_path_is_a_404(stub: StubProcess) -> None:
    assert ask(stub, "something-else").status_code == 404


def test_frames_hold_their_event_and_a_padding() -> None:
    from benchmarks.stub_answers import Answers

    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(Answers(Pace(deltas=1)).streams["invoke-with-response-stream"]))
    payloads = [json.loads(message.payload) for message in buffer]

    assert all(payload["p"] and b64decode(payload["bytes"]) for payload in payloads)
