"""What stands around the gateway: its clock, its traces, who scrapes it."""

import asyncio
import socket
from contextlib import closing
from typing import Final
from urllib.parse import urlsplit

import httpx

from tests.chaos.story import Place, Report, story
from tests.chaos.world import world
from tests.support.langfuse import langfuse_server

MINUTES, HOUR, DAY = 240, 3600, 86_400


async def clock_jumps(place: Place) -> Report:
    """Forward and back: by minutes, which AWS lets pass, by an hour, and by days."""
    shift, partial = place.directory / "shift", place.directory / "shift.new"
    async with world(
        place, module="tests.chaos.standins", settings={"CHAOS_SHIFT": str(shift)}
    ) as w:
        async with w.under_load() as load:
            for seconds in (MINUTES, -MINUTES, HOUR, -HOUR, 2 * DAY, -2 * DAY) * place.size.times:
                partial.write_text(str(seconds))
                partial.replace(shift)
                await load.answers(10)
            shift.unlink()
        return await w.report()


async def no_traces(place: Place) -> Report:
    """Langfuse hangs, then answers 500."""
    with langfuse_server() as langfuse:
        async with world(place, settings=langfuse.settings()) as w:
            async with w.under_load() as load:
                langfuse.go.clear()
                await load.answers(place.size.answers)
                langfuse.status = 500
                langfuse.go.set()
                await load.answers(place.size.answers)
            return await w.report()


async def nobody_scrapes(place: Place) -> Report:
    """VictoriaMetrics is gone in the middle of scrapes that it never reads."""
    async with world(place) as w:
        async with w.under_load() as load:
            address = urlsplit(w.gateways[0].internal_url)
            for _ in range(20 * place.size.times):
                with closing(socket.create_connection((address.hostname, address.port))) as scrape:
                    scrape.sendall(b"GET /metrics HTTP/1.1\r\nhost: gateway\r\n\r\n")
                    await load.answers(1)
        return await w.report()


async def large_bodies(place: Place) -> Report:
    """One key sends 19 MB of small values again and again, another what is just few enough."""
    values = b'{"model":"claude-haiku-4-5","messages":[' + b"[]," * 6_300_000 + b"[]]}"
    message = b'{"role":"user","content":"a"}'
    few = b'{"model":"claude-haiku-4-5","messages":[' + b",".join([message] * 40_000) + b"]}"
    async with world(place) as w:
        async with w.under_load() as load, httpx.AsyncClient(timeout=60) as client:

            async def flood(body: bytes) -> None:
                key = await asyncio.to_thread(w.gateways[0].new_key, max_budget=0)
                url = f"{w.gateways[0].public_url}/v1/chat/completions"
                while True:
                    await client.post(url, headers={"x-api-key": key}, content=body)

            floods = [asyncio.create_task(flood(body)) for body in (values, few)]
            await load.answers(3 * place.size.answers)
            for task in floods:
                task.cancel()
            await asyncio.gather(*floods, return_exceptions=True)
        return await w.report()


STORIES: Final = (
    story("clock", "the clock jumps by minutes, an hour, two days", clock_jumps, "502"),
    story("langfuse", "Langfuse hangs, then fails", no_traces),
    story("large-bodies", "one key sends 19 MB of small values, again and again", large_bodies),
    story("scrapes", "scrapes of metrics hang, and end unread", nobody_scrapes),
)
