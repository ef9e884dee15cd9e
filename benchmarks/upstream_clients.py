"""What a streamed call of Bedrock costs in CPU, by HTTP client.

    .venv/bin/python -m benchmarks.upstream_clients [--calls 200] [--tokens 400] [--at-once 20]

Runs the same calls against the emulator, a process of its own, through the gateway's client
(aiohttp) and through httpx, in turn, and compares the CPU time of this process: signing, reading
and frame decoding are the same in both. Ratios within one run count; seconds depend on the machine.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median
from urllib.parse import quote, urlsplit

import httpx
import uvloop
from botocore.credentials import ReadOnlyCredentials

from app.upstream.aws import Signer
from app.upstream.bedrock import BedrockClient, FrameReader, open_bedrock
from app.upstream.upstream import Call
from tests.support.processes import EMULATOR, emulator_process

REGION = "us-east-1"
MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ROUNDS = 5
CREDENTIALS = ReadOnlyCredentials(EMULATOR.access_key, EMULATOR.secret_key, None)

Client = Callable[[Call], Awaitable[int]]
"""Makes one call, and returns how many events it read."""


class FixedCredentials:
    async def frozen(self) -> ReadOnlyCredentials:
        return CREDENTIALS

    async def renew(self, refused: ReadOnlyCredentials) -> bool:
        del refused
        return False


def with_aiohttp(client: BedrockClient) -> Client:
    async def events(call: Call) -> int:
        stream = await client.stream(call)
        count = 0
        while batch := await stream.read():
            count += len(batch)
        await stream.close()
        return count

    return events


def with_httpx(client: httpx.AsyncClient, endpoint: str) -> Client:
    signer = Signer(REGION)

    async def events(call: Call) -> int:
        path = f"/model/{quote(call.bedrock_id, safe='')}/invoke-with-response-stream"
        plain = {"Content-Type": "application/json"}
        headers = signer.sign(urlsplit(endpoint).netloc, path, plain, call.body, CREDENTIALS)
        reader, count = FrameReader(), 0
        async with client.stream(
            "POST", endpoint + path, content=call.body, headers=headers
        ) as response:
            chunks: AsyncIterator[bytes] = response.aiter_raw()
            async for chunk in chunks:
                count += len(reader.feed(chunk))
        return count

    return events


async def cpu_per_event(client: Client, call: Call, calls: int, at_once: int) -> float:
    """Microseconds of this process's CPU."""
    free = asyncio.Semaphore(at_once)

    async def one() -> int:
        async with free:
            return await client(call)

    before = time.process_time()
    events = sum(await asyncio.gather(*(one() for _ in range(calls))))
    return (time.process_time() - before) / events * 1e6


async def compare(calls: int, tokens: int, at_once: int) -> None:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": tokens,
        "messages": [{"role": "user", "content": f"[[tokens={tokens}]]"}],
    }
    call = Call(MODEL, json.dumps(body).encode())
    async with AsyncExitStack() as stack:
        emulator = stack.enter_context(emulator_process())
        emulator.scenario({"kind": "slow", "seconds": 0.002})  # an event a packet, as from a model
        bedrock = await stack.enter_async_context(
            open_bedrock(
                endpoint=emulator.url,
                region=REGION,
                connect_timeout_seconds=5,
                read_timeout_seconds=60,
                max_connections=at_once,
                credentials=FixedCredentials(),
            )
        )
        plain = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        clients = {"aiohttp": with_aiohttp(bedrock), "httpx": with_httpx(plain, emulator.url)}
        found: dict[str, list[float]] = {name: [] for name in clients}
        for number in range(ROUNDS + 1):
            for name, client in clients.items():
                cost = await cpu_per_event(client, call, calls, at_once)
                if number:  # the first round warms up
                    found[name].append(cost)
    for name, costs in found.items():
        print(f"{name:8} {median(costs):7.1f} µs of CPU an event")
    print(f"httpx / aiohttp: {median(found['httpx']) / median(found['aiohttp']):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--at-once", type=int, default=20)
    chosen = parser.parse_args()
    uvloop.run(compare(chosen.calls, chosen.tokens, chosen.at_once))


if __name__ == "__main__":
    main()
