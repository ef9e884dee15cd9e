"""A gateway that serves for long, or many, stays as it was."""

import asyncio
import re
import time
from typing import Any

import httpx
import psutil

from tests.support.length import length
from tests.support.processes import GatewayProcess
from tests.support.stack import Stack
from tests.support.waiting import busy

HAIKU = "claude-haiku-4-5"
MEGABYTE = 2**20


def question(model: str = HAIKU, tokens: int = 5, *, stream: bool = False) -> dict[str, Any]:
    return {
        "model": model,
        "max_tokens": 4000,
        "stream": stream,
        "messages": [{"role": "user", "content": f"[[tokens={tokens}]]"}],
    }


async def ask_often(gateway: GatewayProcess, keys: list[str], times: int) -> None:
    """Twenty at a time, streamed and not."""
    limits = httpx.Limits(max_connections=20)
    async with httpx.AsyncClient(base_url=gateway.public_url, limits=limits, timeout=60) as client:

        async def ask(number: int) -> None:
            answer = await client.post(
                "/v1/messages",
                json=question(stream=number % 2 == 0),
                headers={"x-api-key": keys[number % len(keys)]},
            )
            assert answer.status_code == 200

        for first in range(0, times, 200):
            await asyncio.gather(*(ask(n) for n in range(first, first + 200)))


async def test_memory_files_and_connections_do_not_grow_with_requests(own_stack: Stack) -> None:
    gateway = own_stack.gateway
    keys = [gateway.new_key(max_budget=50) for _ in range(20)]
    process = psutil.Process(gateway.process.pid)
    await ask_often(gateway, keys, length(800, 1200))
    memory = process.memory_info().rss

    await ask_often(gateway, keys, length(1200, 2400))

    assert process.memory_info().rss - memory < 6 * MEGABYTE
    assert process.num_fds() < 100  # 20 clients, as many calls of Bedrock, and the pool
    (connections,) = own_stack.query(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stargate-gateway' "
        "AND datname = current_database()"
    )
    assert connections["count"] <= 12


def test_metrics_do_not_grow_with_names_that_clients_make_up(own_stack: Stack) -> None:
    gateway = own_stack.gateway

    def series() -> set[str]:
        return set(re.findall(r"^(\S+?)(?: |$)", gateway.metrics(), re.MULTILINE))

    key = gateway.new_key()
    with httpx.Client(base_url=gateway.public_url, headers={"x-api-key": key}) as client:
        client.post("/v1/messages", json=question())
        client.post("/v1/messages", json=question("no-such-model"))
        before = series()
        for number in range(50):
            client.post("/v1/messages", json=question(f"made-up-{number}"))
            client.post("/v1/messages", json=question(), headers={"user-agent": f"bot/{number}"})
            client.get(f"/v1/made-up/{number}")

    assert series() == before


async def test_one_slow_answer_does_not_hold_up_others(own_stack: Stack) -> None:
    gateway = own_stack.gateway
    key = gateway.new_key(max_budget=5)
    async with httpx.AsyncClient(
        base_url=gateway.public_url, headers={"x-api-key": key}, timeout=60
    ) as client:
        own_stack.emulator.scenario({"kind": "slow", "seconds": 0.5})
        slow = asyncio.create_task(
            client.post("/v1/messages", json=question(tokens=40, stream=True))
        )
        while not own_stack.reservations():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        own_stack.emulator.scenario()
        started = time.monotonic()
        for _ in range(20):
            assert (await client.post("/v1/messages", json=question())).status_code == 200
        took = time.monotonic() - started

        assert not slow.done()
        assert took < busy(5)
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
