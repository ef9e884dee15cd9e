"""What a client that hangs up leaves on the bill."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from app.local.emulator import running_emulator
from app.local.emulator.scenarios import OnDisconnect
from tests.unit.local.emulator.client import HAIKU, Client, body, events, text_of

STREAM = f"/model/{HAIKU}/invoke-with-response-stream"
Rows = list[Mapping[str, Any]]


@asynccontextmanager
async def connected(mode: OnDisconnect) -> AsyncIterator[Client]:
    async with running_emulator(on_disconnect=mode) as emulator, aiohttp.ClientSession() as http:
        yield Client(emulator, http)


async def eventually(client: Client, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await idle(client)


async def hang_up_after(client: Client, deltas: int, scenario: dict[str, Any]) -> None:
    client.emulator.set_scenario(scenario)
    received = b""
    async with client.request(STREAM, body("[[tokens=400]]")) as response:
        while len(text_of(events(received)).split()) < deltas * 4:
            received += await response.content.readany()
        response.close()


async def hang_up_during(client: Client, path: str, scenario: dict[str, Any]) -> None:
    client.emulator.set_scenario(scenario)
    call = asyncio.create_task(client.post(path, body("[[tokens=400]]")))
    await eventually(client, lambda: bool(client.emulator.received()))
    call.cancel()
    await asyncio.wait([call])


async def idle(client: Client) -> None:
    """Returns when the emulator has noticed: it answers another connection after the closed one."""
    for _ in range(3):
        async with client.http.get(f"{client.emulator.url}/__emulator__/usage") as response:
            await response.read()


async def test_stop_bills_what_went_out_before_the_client_left() -> None:
    async with connected("stop") as client:
        await hang_up_after(client, 5, {"kind": "stall_mid_stream", "after": 5})
        await idle(client)

        (row,) = client.emulator.usage()
    assert (row["output_tokens"], row["finished"]) == (20, False)


async def test_finish_bills_the_whole_answer_of_a_client_that_left() -> None:
    async with connected("finish") as client:
        await hang_up_after(client, 5, {"kind": "stall_mid_stream", "after": 5})
        await eventually(client, lambda: client.emulator.usage()[0]["finished"])

        (row,) = client.emulator.usage()
    assert row["output_tokens"] == 400


async def test_a_scenario_can_say_what_a_disconnect_means() -> None:
    async with connected("stop") as client:
        await hang_up_after(client, 1, {"kind": "slow", "seconds": 0.01, "on_disconnect": "finish"})
        await eventually(client, lambda: client.emulator.usage()[0]["finished"])

        assert client.emulator.usage()[0]["output_tokens"] == 400


async def test_generation_stops_when_the_client_leaves_a_slow_stream() -> None:
    async with connected("stop") as client:
        await hang_up_after(client, 2, {"kind": "slow", "seconds": 0.005})
        await idle(client)
        before = client.emulator.usage()[0]["output_tokens"]
        await idle(client)

        assert client.emulator.usage()[0]["output_tokens"] == before < 400


@pytest.mark.parametrize(
    ("mode", "outputs"), [("stop", []), ("finish", [400])], ids=["stop", "finish"]
)
@pytest.mark.parametrize("path", [STREAM, f"/model/{HAIKU}/invoke"])
async def test_a_stall_before_the_first_event_is_billed_in_the_finish_mode_alone(
    mode: OnDisconnect, outputs: list[int], path: str
) -> None:
    async with connected(mode) as client:
        await hang_up_during(client, path, {"kind": "stall"})
        await eventually(client, lambda: len(client.emulator.usage()) == len(outputs))
        await idle(client)

        assert [row["output_tokens"] for row in client.emulator.usage()] == outputs


async def test_an_emulator_with_stalled_calls_stops_at_once() -> None:
    async with asyncio.timeout(30):
        async with connected("stop") as client:
            client.emulator.set_scenario({"kind": "stall"})
            call = asyncio.create_task(client.invoke(body()))
            await eventually(client, lambda: bool(client.emulator.received()))
        with pytest.raises(aiohttp.ClientError):
            await call
