import asyncio
import json
from typing import Any, get_args

import aiohttp
import pytest
from botocore.eventstream import ChecksumMismatch

from app.local.emulator.faults import STATUS, ExceptionName
from app.local.emulator.scenarios import Normal, ScenarioQueue, UnknownScenario, parse
from tests.unit.local.emulator.client import HAIKU, OPUS, Client, body, events, frames, text_of

STREAM = f"/model/{HAIKU}/invoke-with-response-stream"
TOOL = {"name": "read", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "explode"},
        {"kind": "throttle", "seconds": 1},
        {"kind": "slow"},
        {"kind": "stall", "after": 1},
        {"kind": "error", "exception": "OtherException"},
        {"kind": "exception_first", "exception": "ThrottlingException"},
        {"kind": "normal", "times": 0},
        {"kind": "normal", "on_disconnect": "ask"},
        {},
        "throttle",
        [{"kind": "normal"}, {"kind": "explode"}],
    ],
)
def test_what_is_no_scenario_is_refused(document: object) -> None:
    with pytest.raises(UnknownScenario):
        parse(document)


def kinds(queue: ScenarioQueue, count: int, model: str = HAIKU) -> list[str]:
    return [queue.take(model).kind for _ in range(count)]


def test_a_queue_goes_through_its_scenarios_and_then_is_normal() -> None:
    queue = ScenarioQueue()
    queue.replace(parse([{"kind": "throttle", "times": 2}, {"kind": "unavailable", "times": 1}]))

    assert kinds(queue, 4) == ["throttle", "throttle", "unavailable", "normal"]


def test_a_scenario_without_times_stays_until_it_is_replaced() -> None:
    queue = ScenarioQueue()
    queue.replace(parse({"kind": "throttle"}))
    assert kinds(queue, 3) == ["throttle"] * 3

    queue.replace([])
    assert queue.take(HAIKU) == Normal()


def test_a_scenario_for_a_model_leaves_others_alone() -> None:
    queue = ScenarioQueue()
    queue.replace(parse({"kind": "throttle", "model": "opus", "times": 1}))

    assert kinds(queue, 2) == ["normal", "normal"]
    assert kinds(queue, 2, OPUS) == ["throttle", "normal"]


@pytest.mark.parametrize("name", get_args(ExceptionName))
async def test_every_modelled_exception_can_be_had_with_its_status(
    client: Client, name: ExceptionName
) -> None:
    client.emulator.set_scenario({"kind": "error", "exception": name})

    status, error, _ = (await client.invoke(body())).error

    assert (status, error) == (STATUS[name], name)
    assert client.emulator.usage() == []


@pytest.mark.parametrize(
    ("kind", "status", "name"),
    [
        ("throttle", 429, "ThrottlingException"),
        ("unavailable", 503, "ServiceUnavailableException"),
    ],
)
async def test_refusals_come_as_often_as_asked_and_are_not_billed(
    client: Client, kind: str, status: int, name: str
) -> None:
    client.emulator.set_scenario({"kind": kind, "times": 1})

    assert (await client.post(STREAM, body())).error[:2] == (status, name)
    assert client.emulator.usage() == []
    assert text_of(await client.stream(body()))


async def test_an_exception_can_be_the_first_frame(client: Client) -> None:
    client.emulator.set_scenario({"kind": "exception_first"})

    reply = await client.post(STREAM, body())
    (message,) = frames(reply.raw)

    assert reply.status == 200
    assert message.headers[":exception-type"] == "throttlingException"
    assert client.emulator.usage() == []
    assert (await client.invoke(body())).status == 429


async def test_an_exception_can_come_in_the_middle_and_what_went_before_is_billed(
    client: Client,
) -> None:
    client.emulator.set_scenario(
        {"kind": "exception_mid_stream", "after": 2, "exception": "modelStreamErrorException"}
    )

    *before, last = frames((await client.post(STREAM, body("[[tokens=40]]"))).raw)

    assert [m.headers[":event-type"] for m in before] == ["chunk"] * 4
    assert last.headers[":exception-type"] == "modelStreamErrorException"
    assert json.loads(last.payload)["originalStatusCode"] == 500
    (row,) = client.emulator.usage()
    assert (row["output_tokens"], row["finished"]) == (8, False)


async def test_a_stream_can_end_in_garbage(client: Client) -> None:
    client.emulator.set_scenario({"kind": "garbage", "after": 1})

    raw = (await client.post(STREAM, body("[[tokens=40]]"))).raw

    with pytest.raises(ChecksumMismatch):
        frames(raw)


async def test_a_message_can_be_garbage(client: Client) -> None:
    client.emulator.set_scenario({"kind": "garbage"})

    with pytest.raises(ValueError):
        (await client.invoke(body())).json()


async def read_into(received: bytearray, client: Client) -> None:
    async with client.request(STREAM, body("[[tokens=40]]")) as response:
        async for part in response.content.iter_any():
            received.extend(part)


async def test_a_connection_can_be_reset_in_the_middle(client: Client) -> None:
    client.emulator.set_scenario({"kind": "break_mid_stream", "after": 3})
    received = bytearray()

    with pytest.raises(aiohttp.ClientError):
        await read_into(received, client)

    assert text_of(events(bytes(received))).split()[-1] == "token12"
    (row,) = client.emulator.usage()
    assert (row["output_tokens"], row["finished"]) == (12, False)


async def test_a_message_can_be_lost_to_a_reset(client: Client) -> None:
    client.emulator.set_scenario({"kind": "break_mid_stream"})

    with pytest.raises(aiohttp.ClientError):
        await client.invoke(body("[[tokens=40]]"))

    assert client.emulator.usage()[0]["output_tokens"] == 40


@pytest.mark.parametrize(
    "scenario",
    [
        {"kind": "stall", "seconds": 0.01},
        {"kind": "stall_mid_stream", "seconds": 0.01},
        {"kind": "slow", "seconds": 0.001},
    ],
)
async def test_delays_end_and_the_answer_is_whole(client: Client, scenario: dict[str, Any]) -> None:
    client.emulator.set_scenario(scenario)

    assert text_of(await client.stream(body("[[say=late but whole]]"))) == "late but whole"
    assert (await client.invoke(body("[[say=late but whole]]"))).status == 200
    assert [row["finished"] for row in client.emulator.usage()] == [True, True]


async def test_a_stall_in_the_middle_lasts_for_ever_unless_told_otherwise(client: Client) -> None:
    client.emulator.set_scenario({"kind": "stall_mid_stream", "after": 2})
    received = b""

    async with client.request(STREAM, body("[[tokens=40]]")) as response:
        while len(events(received)) < 4:
            received += await asyncio.wait_for(response.content.readany(), 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.readany(), 0.02)

    assert text_of(events(received)).split()[-1] == "token8"


async def test_a_tool_is_called_once_and_then_text_follows(client: Client) -> None:
    client.emulator.set_scenario(
        {"kind": "tool_then_text", "tool": "read", "input": {"path": "/etc/hosts"}}
    )
    first = (await client.invoke(body(tools=[TOOL]))).json()
    (call,) = first["content"]
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "127.0.0.1"}
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [result]},
    ]

    second = (await client.invoke(body(tools=[TOOL], messages=turns))).json()

    assert (call["name"], call["input"]) == ("read", {"path": "/etc/hosts"})
    assert first["stop_reason"] == "tool_use"
    assert second["stop_reason"] == "end_turn"


async def test_a_streamed_tool_call_comes_as_partial_json(client: Client) -> None:
    client.emulator.set_scenario(
        {"kind": "tool_then_text", "tool": "read", "input": {"path": "a b" * 20}}
    )

    stream = await client.stream(body(tools=[TOOL]))
    parts = [e["delta"]["partial_json"] for e in stream if e["type"] == "content_block_delta"]

    assert stream[1]["content_block"]["input"] == {}
    assert len(parts) > 1
    assert json.loads("".join(parts)) == {"path": "a b" * 20}


async def test_over_the_wire_scenarios_are_set_shown_and_refused(client: Client) -> None:
    url = f"{client.emulator.url}/__emulator__/scenario"
    async with client.http.post(url, json=[{"kind": "throttle", "times": 3}]) as response:
        assert response.status == 200
    await client.invoke(body())
    async with client.http.get(url) as response:
        (waiting,) = (await response.json())["scenarios"]
    async with client.http.post(url, json={"kind": "explode"}) as response:
        refused = response.status
    async with client.http.post(url, data=b"{") as response:
        malformed = response.status

    assert (waiting["kind"], waiting["times"]) == ("throttle", 2)
    assert (refused, malformed) == (400, 400)
    assert (await client.invoke(body())).status == 429
