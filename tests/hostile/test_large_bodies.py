"""Large bodies of one key: they cost other keys neither their time nor the gateway its memory."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import psutil
import pytest

from tests.hostile.crowd import anthropic, crowd, text
from tests.support.stack import Stack
from tests.support.waiting import busy

MEGABYTES = 1_000_000
LARGEST = 19 * MEGABYTES


def many_messages() -> bytes:
    message = b'{"role":"user","content":"a"}'
    inner = b",".join([message] * (LARGEST // (len(message) + 1)))
    return b'{"model":"claude-haiku-4-5","max_tokens":5,"messages":[' + inner + b"]}"


def many_values() -> bytes:
    hi = b'"messages":[{"role":"user","content":"hi"}]'
    values = b",".join([b"[]"] * (LARGEST // 3))
    return b'{"model":"claude-haiku-4-5","max_tokens":5,' + hi + b',"odd":[' + values + b"]}"


def many_tools() -> bytes:
    tool = b'{"name":"a","input_schema":{}}'
    tools = b",".join([tool] * (LARGEST // (len(tool) + 1)))
    hi = b'"messages":[{"role":"user","content":"hi"}]'
    return b'{"model":"claude-haiku-4-5","max_tokens":5,' + hi + b',"tools":[' + tools + b"]}"


def just_few_enough_values() -> bytes:
    message = {"role": "user", "content": "a"}
    body = {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [message] * 40_000}
    return json.dumps(body).encode()


BODIES: dict[str, Callable[[], bytes]] = {
    "messages": many_messages,
    "values": many_values,
    "tools": many_tools,
    "few enough": just_few_enough_values,
}
PATHS = ["/v1/messages", "/v1/chat/completions", "/v1/messages/count_tokens"]


def memory(stack: Stack) -> int:
    return int(psutil.Process(stack.gateway.process.pid).memory_info().rss)


@asynccontextmanager
async def attack(stack: Stack, path: str, body: bytes, key: str) -> AsyncIterator[list[int]]:
    """One connection that sends the body again and again; the statuses that it saw."""
    seen: list[int] = []

    async def send() -> None:
        async with httpx.AsyncClient(timeout=120) as client:
            while True:
                answer = await client.post(
                    stack.gateway.public_url + path, headers={"x-api-key": key}, content=body
                )
                seen.append(answer.status_code)

    sending = asyncio.create_task(send())
    try:
        yield seen
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, httpx.TransportError):
            await sending


async def waits(stack: Stack, key: str, seconds: float) -> list[float]:
    """How long a colleague's small requests take, one after the other."""
    found = []
    ends = time.monotonic() + seconds
    headers = {"x-api-key": key}
    async with httpx.AsyncClient(timeout=60, headers=headers) as client:
        while time.monotonic() < ends:
            began = time.monotonic()
            answer = await client.post(
                f"{stack.gateway.public_url}/v1/messages", json=text(1, 5, stream=False)
            )
            assert answer.status_code == 200
            found.append(time.monotonic() - began)
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", BODIES)
async def test_a_key_that_sends_large_bodies_does_not_slow_down_another(
    own_stack: Stack, path: str, kind: str
) -> None:
    stack, body = own_stack, BODIES[kind]()
    attacker, colleague = stack.gateway.new_key(max_budget=0), stack.gateway.new_key()
    alone = statistics.median(await waits(stack, colleague, 1))

    async with attack(stack, path, body, attacker) as seen:
        while not seen:  # the first of them has been read
            await waits(stack, colleague, 0.2)
        meanwhile = await waits(stack, colleague, 3)

    assert set(seen) <= {400, 413, 429}
    # It was 3 to 9 s, and for each of them.
    assert statistics.median(meanwhile) < 10 * alone + busy(0.2)
    assert max(meanwhile) < busy(5)
    assert memory(stack) < 400 * MEGABYTES


async def test_forty_bodies_of_18_mb_do_not_fill_the_memory(own_stack: Stack) -> None:
    stack = own_stack
    stack.emulator.scenario({"kind": "stall", "seconds": 1})
    keys = [stack.gateway.new_key() for _ in range(8)]
    body = text(1, 5, model="claude-opus-5")
    body["messages"][0]["content"][0]["text"] = "x" * 18 * MEGABYTES
    most = memory(stack)
    # Refused by Bedrock as too long, once it has all of it.
    sending = [
        asyncio.create_task(crowd([stack.gateway], keys[n % 8], [anthropic(body)]))
        for n in range(40)
    ]
    while not all(task.done() for task in sending):
        most = max(most, memory(stack))
        await asyncio.sleep(0.02)

    statuses = [(await task)[0].status_code for task in sending]
    assert set(statuses) <= {200, 400, 429}
    assert most < 1_000 * MEGABYTES


async def test_token_counts_of_one_key_do_not_hold_up_another(own_stack: Stack) -> None:
    stack = own_stack
    crowd_key, colleague = stack.gateway.new_key(max_budget=0), stack.gateway.new_key()
    url = f"{stack.gateway.public_url}/v1/messages/count_tokens"

    async def count(client: httpx.AsyncClient, key: str, content: str) -> httpx.Response:
        body = {
            "model": "claude-haiku-4-5",
            "messages": [{"role": "user", "content": content}],
        }
        return await client.post(url, headers={"x-api-key": key}, json=body)

    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=200)) as client:
        began = time.monotonic()
        await count(client, colleague, "a")
        alone = time.monotonic() - began
        many = [
            asyncio.create_task(count(client, crowd_key, f"{n}" + "x" * 2 * MEGABYTES))
            for n in range(100)
        ]
        await asyncio.sleep(0.5)
        most = memory(stack)
        began = time.monotonic()
        answer = await count(client, colleague, "b")
        waited = time.monotonic() - began
        most = max(most, memory(stack))
        for task in many:
            task.cancel()
        await asyncio.gather(*many, return_exceptions=True)

    assert answer.status_code == 200
    assert waited < 10 * alone + 5  # it was half a minute
    assert most < 500 * MEGABYTES
