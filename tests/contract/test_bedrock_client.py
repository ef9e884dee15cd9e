"""The Bedrock client against the emulator, over the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anyio
import orjson
import pytest
from botocore.credentials import ReadOnlyCredentials

from app.errors import (
    GatewayError,
    NotFound,
    RequestTooLarge,
    UpstreamBroke,
    UpstreamDenied,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamTimeout,
)
from app.local.emulator import RunningEmulator, running_emulator
from app.upstream.bedrock import BedrockClient, BedrockStream, open_bedrock
from app.upstream.upstream import Call

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


class Known:
    """Credentials that are known from the start."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self._pair = (emulator.access_key, emulator.secret_key)

    async def frozen(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(*self._pair, None)

    async def renew(self, refused: ReadOnlyCredentials) -> bool:
        del refused
        return False


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


@asynccontextmanager
async def connected(
    emulator: RunningEmulator, *, endpoint: str | None = None, silence: float = 20
) -> AsyncIterator[BedrockClient]:
    async with open_bedrock(
        endpoint=endpoint or emulator.url,
        region="us-east-1",
        connect_timeout_seconds=5,
        read_timeout_seconds=silence,
        max_connections=10,
        credentials=Known(emulator),
    ) as client:
        yield client


@pytest.fixture
async def client(emulator: RunningEmulator) -> AsyncIterator[BedrockClient]:
    async with connected(emulator) as opened:
        yield opened


def call(said: str = "Hello", model: str = HAIKU, **fields: Any) -> Call:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": said}],
        **fields,
    }
    return Call(model, orjson.dumps(body))


async def events_of(stream: BedrockStream) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    with anyio.fail_after(60):
        while batch := await stream.read():
            events += [json.loads(event) for event in batch]
    return events


async def read_on(stream: BedrockStream, seen: list[bytes]) -> None:
    """Read until it fails, or ends."""
    while batch := await stream.read():
        seen += batch


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"].get("text", "") for event in events if "delta" in event)


async def test_a_whole_answer_is_passed_on_with_the_id_of_amazon(
    client: BedrockClient, emulator: RunningEmulator
) -> None:
    completion = await client.invoke(call("[[say=Good day]]"))

    assert json.loads(completion.body)["content"] == [{"type": "text", "text": "Good day"}]
    assert completion.upstream_request_id == emulator.received()[0]["request_id"]


async def test_a_stream_is_the_model_s_events_in_order_and_then_an_end(
    client: BedrockClient, emulator: RunningEmulator
) -> None:
    stream = await client.stream(call("[[say=Good day to you]]"))

    events = await events_of(stream)

    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert text_of(events) == "Good day to you"
    assert stream.upstream_request_id == emulator.received()[0]["request_id"]
    assert await stream.read() == []
    await stream.close()


@pytest.mark.parametrize(
    "model",
    [
        HAIKU,
        "us.anthropic.claude-opus-5-5",
        f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{HAIKU}",
    ],
)
async def test_ids_and_arns_are_signed_as_they_are_sent(client: BedrockClient, model: str) -> None:
    assert (await client.invoke(call(model=model))).body


TABLE: list[tuple[str, type[GatewayError]]] = [
    ("ThrottlingException", UpstreamThrottled),
    ("ServiceQuotaExceededException", UpstreamThrottled),
    ("ModelNotReadyException", UpstreamOverloaded),
    ("ServiceUnavailableException", UpstreamOverloaded),
    ("InternalServerException", UpstreamFailed),
    ("ModelTimeoutException", UpstreamTimeout),
    ("ModelErrorException", UpstreamFailed),
    ("ModelStreamErrorException", UpstreamFailed),
    ("ValidationException", UpstreamRejected),
    ("AccessDeniedException", UpstreamDenied),
    ("ResourceNotFoundException", NotFound),
    ("ExpiredTokenException", UpstreamDenied),
    ("UnrecognizedClientException", UpstreamDenied),
    ("InvalidSignatureException", UpstreamDenied),
    ("RequestEntityTooLargeException", RequestTooLarge),
]
IN_STREAM = [
    ("throttlingException", UpstreamThrottled),
    ("serviceUnavailableException", UpstreamOverloaded),
    ("internalServerException", UpstreamFailed),
    ("modelStreamErrorException", UpstreamFailed),
    ("modelTimeoutException", UpstreamTimeout),
    ("validationException", UpstreamRejected),
]


@pytest.mark.parametrize("action", ["invoke", "stream"])
@pytest.mark.parametrize(("exception", "error"), TABLE)
async def test_a_status_is_the_error_that_its_exception_stands_for(
    client: BedrockClient,
    emulator: RunningEmulator,
    exception: str,
    error: type[GatewayError],
    action: str,
) -> None:
    emulator.set_scenario({"kind": "error", "exception": exception})

    with pytest.raises(GatewayError) as raised:
        await getattr(client, action)(call())

    assert type(raised.value) is error


@pytest.mark.parametrize(("exception", "error"), IN_STREAM)
async def test_an_exception_as_the_first_frame_is_the_error_of_the_first_read(
    client: BedrockClient, emulator: RunningEmulator, exception: str, error: type[GatewayError]
) -> None:
    emulator.set_scenario({"kind": "exception_first", "exception": exception})
    stream = await client.stream(call())

    for _ in range(2):
        with pytest.raises(GatewayError) as raised:
            await stream.read()
        assert type(raised.value) is error
    await stream.close()


@pytest.mark.parametrize(("exception", "error"), IN_STREAM)
async def test_an_exception_in_the_middle_comes_after_the_events_before_it(
    client: BedrockClient, emulator: RunningEmulator, exception: str, error: type[GatewayError]
) -> None:
    emulator.set_scenario({"kind": "exception_mid_stream", "exception": exception, "after": 3})
    stream = await client.stream(call("[[tokens=100]]"))
    seen: list[bytes] = []

    with pytest.raises(GatewayError) as raised:
        await read_on(stream, seen)
    await stream.close()

    assert type(raised.value) is error
    assert sum(b"content_block_delta" in event for event in seen) == 3


@pytest.mark.parametrize("after", [0, 3])
async def test_bytes_that_are_no_frames_end_the_stream_as_broken(
    client: BedrockClient, emulator: RunningEmulator, after: int
) -> None:
    emulator.set_scenario({"kind": "garbage", "after": after})
    stream = await client.stream(call("[[tokens=100]]"))

    with pytest.raises(UpstreamBroke):
        await events_of(stream)
    await stream.close()


async def test_a_reset_in_the_middle_ends_the_stream_as_broken(
    client: BedrockClient, emulator: RunningEmulator
) -> None:
    emulator.set_scenario({"kind": "break_mid_stream", "after": 2})
    stream = await client.stream(call("[[tokens=100]]"))

    with pytest.raises(UpstreamBroke):
        await events_of(stream)
    await stream.close()


async def test_a_reset_instead_of_an_answer_may_have_been_billed(
    client: BedrockClient, emulator: RunningEmulator
) -> None:
    emulator.set_scenario({"kind": "break_mid_stream"})

    with pytest.raises(UpstreamBroke) as raised:
        await client.invoke(call())

    assert raised.value.maybe_billed


@pytest.mark.parametrize("action", ["invoke", "stream"])
async def test_silence_before_the_answer_is_a_timeout(
    emulator: RunningEmulator, action: str
) -> None:
    emulator.set_scenario({"kind": "stall"})
    async with connected(emulator, silence=0.1) as client:
        with anyio.fail_after(30), pytest.raises(UpstreamTimeout):
            await getattr(client, action)(call())


async def test_silence_in_the_middle_is_a_timeout(emulator: RunningEmulator) -> None:
    emulator.set_scenario({"kind": "stall_mid_stream", "after": 2})
    async with connected(emulator, silence=0.1) as client:
        stream = await client.stream(call("[[tokens=100]]"))
        with pytest.raises(UpstreamTimeout):
            await events_of(stream)
        await stream.close()


async def test_a_bedrock_that_cannot_be_reached_was_not_billed(emulator: RunningEmulator) -> None:
    async with connected(emulator, endpoint="http://127.0.0.1:9") as client:
        with pytest.raises(UpstreamFailed) as raised:
            await client.invoke(call())

    assert type(raised.value) is UpstreamFailed
    assert not raised.value.maybe_billed


async def test_a_read_that_is_cancelled_loses_nothing(
    client: BedrockClient, emulator: RunningEmulator
) -> None:
    emulator.set_scenario({"kind": "slow", "seconds": 0.005})
    stream = await client.stream(call("[[tokens=120]]"))
    events: list[dict[str, Any]] = []
    cancelled = 0

    with anyio.fail_after(30):
        while not events or events[-1]["type"] != "message_stop":
            try:
                async with asyncio.timeout(0.002):
                    batch = await stream.read()
            except TimeoutError:
                cancelled += 1
                continue
            events += [json.loads(event) for event in batch]
    await stream.close()

    assert cancelled > 5
    assert text_of(events).split() == [f"token{number}" for number in range(1, 121)]


@asynccontextmanager
async def counted(emulator: RunningEmulator) -> AsyncIterator[tuple[BedrockClient, list[str]]]:
    """A client, and a note of every connection that it makes."""
    made: list[str] = []
    trace = aiohttp.TraceConfig()

    async def note(session: object, context: object, parameters: object) -> None:
        made.append("connection")

    trace.on_connection_create_end.append(note)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        yield (
            BedrockClient(session, Known(emulator), endpoint=emulator.url, region="us-east-1"),
            made,
        )


async def test_answers_read_to_their_end_share_one_connection(emulator: RunningEmulator) -> None:
    async with counted(emulator) as (client, made):
        for _ in range(3):
            stream = await client.stream(call("[[tokens=100]]"))
            while not (batch := await stream.read())[-1].startswith(b'{"type":"message_stop"'):
                assert batch
            await stream.close()
            await client.invoke(call())

    assert len(made) == 1


@pytest.mark.parametrize(
    "scenario",
    [{"kind": "throttle", "times": 3}, {"kind": "error", "exception": "ValidationException"}],
)
async def test_refusals_share_one_connection(
    emulator: RunningEmulator, scenario: Mapping[str, Any]
) -> None:
    emulator.set_scenario(scenario)
    async with counted(emulator) as (client, made):
        for _ in range(3):
            with pytest.raises(GatewayError):
                await client.invoke(call())

    assert len(made) == 1


FIELD = "tools.0.custom.strict: Extra inputs are not permitted"
QUOTING = "messages.0: Input tag '{prompt}' found using 'type' does not match"


@pytest.mark.parametrize("action", ["invoke", "stream"])
@pytest.mark.parametrize("segments", [1, 2, 7])
@pytest.mark.parametrize("message", [FIELD, QUOTING, "long " * 5000 + "end"])
async def test_a_refusal_is_read_whole_however_it_is_split(
    client: BedrockClient, emulator: RunningEmulator, message: str, segments: int, action: str
) -> None:
    refusal = {"kind": "error", "exception": "ValidationException"}
    emulator.set_scenario({**refusal, "message": message, "segments": segments})

    with pytest.raises(UpstreamRejected) as raised:
        await getattr(client, action)(call("a 'quoted' text"))

    assert raised.value.message == message.replace("{prompt}", "a 'quoted' text")


async def test_a_model_errors_own_status_is_read_from_a_split_body(
    client: BedrockClient, emulator: RunningEmulator
) -> None:
    emulator.set_scenario({"kind": "error", "exception": "ModelErrorException", "segments": 3})

    with pytest.raises(UpstreamFailed):
        await client.invoke(call())


async def test_bedrocks_retry_after_is_read(
    client: BedrockClient, emulator: RunningEmulator
) -> None:
    throttled = {"kind": "error", "exception": "ThrottlingException", "retry_after": "23"}
    emulator.set_scenario(throttled)

    with pytest.raises(UpstreamThrottled) as raised:
        await client.invoke(call())

    assert raised.value.headers["retry-after"] == "23"


async def test_a_connection_goes_back_when_new_credentials_cannot_be_had(
    emulator: RunningEmulator,
) -> None:
    class Failing(Known):
        async def renew(self, refused: ReadOnlyCredentials) -> bool:
            raise UpstreamDenied("no credentials")

    kept: list[aiohttp.ClientResponse] = []  # so that it is not given back for want of a reader
    trace = aiohttp.TraceConfig()

    async def keep(session: object, context: object, end: aiohttp.TraceRequestEndParams) -> None:
        kept.append(end.response)

    trace.on_request_end.append(keep)
    # So long that its end does not arrive by itself, which would free the connection as well.
    refusal = {"kind": "error", "exception": "ExpiredTokenException", "message": "x" * 5_000_000}
    emulator.set_scenario(refusal)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1), trace_configs=[trace]
    ) as session:
        client = BedrockClient(
            session, Failing(emulator), endpoint=emulator.url, region="us-east-1"
        )
        with anyio.fail_after(30):
            for _ in range(3):
                with pytest.raises(UpstreamDenied):
                    await client.invoke(call())


async def test_an_answer_that_is_closed_early_is_not_generated_to_its_end(
    client: BedrockClient, emulator: RunningEmulator
) -> None:
    emulator.set_scenario({"kind": "stall_mid_stream", "after": 2})
    stream = await client.stream(call("[[tokens=400]]"))
    await stream.read()

    with anyio.fail_after(30):
        await stream.close()

    (row,) = emulator.usage()
    assert (row["output_tokens"], row["finished"]) == (8, False)


@pytest.mark.parametrize("size", [300_000, 3_000_000])
async def test_a_large_body_arrives_whole(
    client: BedrockClient, emulator: RunningEmulator, size: int
) -> None:
    picture = {"type": "base64", "media_type": "image/png", "data": "A" * size}
    messages = [{"role": "user", "content": [{"type": "image", "source": picture}]}]

    await client.invoke(call(messages=messages))

    assert emulator.received()[0]["body"]["messages"] == messages
